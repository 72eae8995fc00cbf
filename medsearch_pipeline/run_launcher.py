"""The former place of `orchestration.run_launcher`, which copies of dagster.yaml still name; to be removed after 0.1."""

from __future__ import annotations

from medsearch_pipeline.orchestration.run_launcher import LocalRunLauncher

__all__ = ["LocalRunLauncher"]
