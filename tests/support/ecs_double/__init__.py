"""A double of Amazon ECS: its own protocol over HTTP, its rules for requests, and tasks that are processes of this machine.

`EcsDouble` in `server.py` is what tests use. Not here: what the pipeline does with it.
"""
