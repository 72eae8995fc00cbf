"""`medsearch embedder`: the model behind HTTP."""

from __future__ import annotations

from rich.console import Console

from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.settings import Settings


def embedder(_: Console, settings: Settings) -> int:
    """Serves until Ctrl-C."""
    from medsearch_pipeline.embedder.service import serve

    return serve(settings)


COMMANDS = (Command("embedder", "run the embedding service used for search by upload", embedder),)
