"""`medsearch status` and `medsearch where`: the state of a deployment, and of one study or object."""
