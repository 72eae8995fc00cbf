"""Search by file: reading a file from a form into memory, and sending it to the embedder, which returns its vector."""
