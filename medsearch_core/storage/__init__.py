"""Object storage: a folder or an S3 bucket behind one protocol, and the warehouse's layout on top of it."""
