"""What outlives a process: run folders, checkpoints, and the experiments that write them."""
