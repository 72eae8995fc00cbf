"""The former location of `orchestration.run_launcher`, still named by copies of dagster.yaml; to be removed after 0.1."""

from __future__ import annotations

from medsearch_pipeline.orchestration.run_launcher import LocalRunLauncher

__all__ = ["LocalRunLauncher"]
