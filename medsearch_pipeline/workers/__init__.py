"""The pipeline's worker processes, and the memory they share."""
