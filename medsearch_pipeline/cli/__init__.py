"""The `medsearch` command: what people run beside Dagster's UI."""

from medsearch_pipeline.cli.commands import main

__all__ = ["main"]
