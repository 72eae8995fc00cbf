"""From what is noticed in the landing store to the runs that ingest it: observe, journal, settle, dispatch."""
