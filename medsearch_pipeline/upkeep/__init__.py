"""`medsearch stale` and `prune_job`: which studies are out of date and why, which runs refresh them, and what is removed."""
