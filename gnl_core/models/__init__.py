"""Teacher, bottleneck and student."""
