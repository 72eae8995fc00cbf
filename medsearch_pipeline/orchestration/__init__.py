"""Dagster's own machinery: partitions, retries, data versions, run tags, event storage and run launcher. No domain code."""
