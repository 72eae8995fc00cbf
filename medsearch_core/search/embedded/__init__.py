"""The embedded search index: no server, one folder."""
