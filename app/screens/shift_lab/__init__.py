"""The page Shift lab."""
