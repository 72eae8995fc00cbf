"""Worker processes for untrusted bytes, with limits, and the memory they share."""
