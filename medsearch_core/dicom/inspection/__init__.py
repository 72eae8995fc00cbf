"""What the pipeline makes of an object, step by step. The steps are those of the chain itself, asked for their parameters."""
