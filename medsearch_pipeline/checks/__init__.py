"""Asset checks: pure decisions over tables, their results in Dagster, and the check of Dagster's own event log."""
