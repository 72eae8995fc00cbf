"""What a person asks for, and which findings of a report answer it."""
