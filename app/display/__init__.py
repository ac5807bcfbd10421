"""What pages draw alike."""
