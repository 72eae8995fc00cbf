"""Events of a bucket, read from a queue: hints, each of which the store itself confirms."""
