"""Settings of the pipeline: one type per reader, each field an environment variable that docs/settings.md lists."""

from __future__ import annotations

from medsearch_pipeline.settings.pipeline import Settings

__all__ = ["Settings"]
