"""Asset checks: pure decisions over tables, the results Dagster shows of them, and the check of Dagster's own event log."""
