"""Runs on disk: folders, checkpoints, training, scoring and reports."""
