"""Amazon ECS: the task each step runs in, its launch, and what follows when ECS stops it. Not here: what a step does."""
