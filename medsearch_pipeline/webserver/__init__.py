"""Dagster's webserver behind a guard: it has no sign-in, so no other web page may reach it through a user's browser."""
