"""Lines of text in a terminal."""

from __future__ import annotations

from rich.console import Console


def print_line(console: Console, text: str, style: str | None = None) -> None:
    """Prints a text as it is: no markup of rich is read in it, and it is not cut or wrapped at the terminal's width."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
