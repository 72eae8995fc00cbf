"""Files of models, a module a format: `graph_of(name, data, wanted)` gives a `Network`'s graph, and runs no code of the file's."""
