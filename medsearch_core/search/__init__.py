"""The search index: its documents, its queries, and two implementations of one protocol."""
