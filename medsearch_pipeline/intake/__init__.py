"""From changes in the landing store to the runs that ingest them: observe, journal, settle, dispatch."""
