"""The sensors: each evaluates in seconds, and says what it did or why it skipped."""
