"""The embedder: a small service that returns the vector that ingestion would compute for a file. It stores nothing."""
