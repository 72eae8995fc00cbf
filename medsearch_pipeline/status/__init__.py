"""`medsearch status` and `medsearch where`: how a deployment stands, and what became of one study or object."""
