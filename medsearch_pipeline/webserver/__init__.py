"""Dagster's webserver behind a guard: it has no sign-in, so other web pages must not reach it through a user's browser."""
