"""Arguments of fields, described where they stand."""

import strawberry


def argument(description: str, name: str | None = None) -> object:
    """An argument's description, and its name where Python cannot spell it."""
    return strawberry.argument(description=description, name=name)
