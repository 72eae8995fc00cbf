"""Worker processes for untrusted bytes: with limits, forked from a process that has imported what they need."""
