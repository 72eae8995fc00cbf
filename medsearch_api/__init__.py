"""The GraphQL service and its page. Reads what the pipeline materialised; imports neither Dagster nor torch."""
