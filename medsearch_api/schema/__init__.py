"""The GraphQL schema: types, queries, and how much may be asked."""
