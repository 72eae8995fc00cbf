"""Families of models, a module each: `load(backbone, weights)` gives the network. A new family is a module and a registry line."""
