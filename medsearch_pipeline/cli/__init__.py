"""The `medsearch` command-line interface."""

from medsearch_pipeline.cli.commands import main

__all__ = ["main"]
