"""What people read in a terminal, a log or a tick: counts with their nouns, and lines as they are."""
