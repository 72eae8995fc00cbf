"""What the words around a mention make of it: its assertion, how certain, how severe, where, how large."""
