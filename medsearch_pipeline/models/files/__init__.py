"""Files of models, a module a format: `graph_of(name, data, wanted)` gives the graph of a `Network`, and no code of the file's is run."""
