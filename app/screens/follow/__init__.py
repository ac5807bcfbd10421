"""The page Follow."""
