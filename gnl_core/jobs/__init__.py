"""Trainings as separate processes."""
