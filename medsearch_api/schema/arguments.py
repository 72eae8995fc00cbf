"""Descriptions of field arguments, written where the arguments are declared."""

import strawberry


def argument(description: str, name: str | None = None) -> object:
    """Describe an argument, and name it if its GraphQL name differs from its Python name."""
    return strawberry.argument(description=description, name=name)
