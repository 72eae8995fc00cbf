"""Families of models, a module each whose `load(backbone, weights)` gives the network, named in the registry."""
