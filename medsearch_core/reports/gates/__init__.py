"""What a report is of, and whether it can be read: its language, its examination."""
