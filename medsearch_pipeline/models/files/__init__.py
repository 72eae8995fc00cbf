"""Files of models, a module a format whose `graph_of(name, data, wanted)` gives the graph and runs no code of the file."""
