"""The GraphQL service and its web page. Reads what the pipeline materialized; imports neither Dagster nor torch."""
