"""The sensors. Each evaluates in seconds, and reports what it did or why it skipped."""
