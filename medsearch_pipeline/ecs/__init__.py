"""Amazon ECS: which task each step runs in, how it is launched, and what happens when ECS stops it. Not here: what a step does."""
