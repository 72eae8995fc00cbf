"""Originals from the landing store, and pictures rendered from them when they are asked for."""
