"""Alerts: what failed in Dagster since the last look, and telling a webhook of it, each failure once."""
