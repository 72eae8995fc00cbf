"""The service's data sources: index, tables, embedder and ICD-10-CM names, behind one context."""
