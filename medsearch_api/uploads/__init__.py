"""Query by upload: a file taken from a form into memory, and given to the embedder, which answers with its vector."""
