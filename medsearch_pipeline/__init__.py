"""The Dagster project: assets, resources, jobs. Decisions live in pure functions; assets read, call the core, write, count."""
