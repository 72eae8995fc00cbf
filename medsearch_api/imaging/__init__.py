"""Originals from the landing store, and images rendered from them on request."""
