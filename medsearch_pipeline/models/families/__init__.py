"""Families of models: one module each, registered in the registry, whose `load(backbone, weights)` returns the network."""
