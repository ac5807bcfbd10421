"""What a server allows: its settings, its limits, the paths it opens, and the people it serves."""
