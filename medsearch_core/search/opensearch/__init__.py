"""The search index on an OpenSearch cluster."""
