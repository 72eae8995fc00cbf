"""The GraphQL schema: types, queries and limits."""
