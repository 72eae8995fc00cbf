"""The embedder: a small service that gives a file the vector that ingestion would have given it. It keeps nothing."""
