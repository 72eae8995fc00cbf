"""Alerts: finds new failures in Dagster and posts each one to a webhook once."""
