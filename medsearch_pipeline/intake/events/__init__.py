"""Events of a bucket, read from a queue. They are hints: the store itself is always checked."""
