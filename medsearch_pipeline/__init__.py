"""The Dagster project: assets, resources, jobs. Decisions are pure functions; assets read, call the core, write and count."""
