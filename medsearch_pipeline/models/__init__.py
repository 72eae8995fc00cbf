"""Models: pixels in, vectors out. torch is imported here and nowhere else."""
