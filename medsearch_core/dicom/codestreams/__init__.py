"""Compressed frames: how they are packed into an object, what their codestreams say of themselves, and their codecs."""
