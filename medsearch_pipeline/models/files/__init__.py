"""Model files: one module per format, whose `graph_of(name, data, wanted)` returns the graph without running code of the
file."""
