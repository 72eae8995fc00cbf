"""What the service reads from: the index, the tables, the embedder and the names of codes, behind one context."""
