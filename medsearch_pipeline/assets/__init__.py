"""The assets, one file each: they read, call the core, write, and return counts."""
