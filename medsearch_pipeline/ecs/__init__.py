"""Amazon ECS: the task that each step runs in, its launch, and the restart of steps whose task ECS stops. Not here: what a
step does."""
