"""All checks of a deployment, in the order in which to solve their problems."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence

from medsearch_pipeline.readiness.dagster_instance import check_dagster, check_dagster_version
from medsearch_pipeline.readiness.finding import Finding
from medsearch_pipeline.readiness.index import check_index
from medsearch_pipeline.readiness.machine import check_disk, check_memory, check_versions
from medsearch_pipeline.readiness.model import check_model
from medsearch_pipeline.readiness.service import check_embedder, check_sign_in
from medsearch_pipeline.readiness.stores import check_landing, check_warehouse
from medsearch_pipeline.settings import Settings

Environment = Mapping[str, str]
CHECKS: Mapping[str, Callable[[Settings, Environment], Sequence[Finding]]] = {
    "versions": lambda settings, _: [*check_versions(settings), check_dagster_version()],
    "landing": lambda settings, _: [check_landing(settings)],
    "warehouse": lambda settings, _: [check_warehouse(settings)],
    "index": lambda settings, _: [check_index(settings)],
    "model": lambda settings, _: [check_model(settings)],
    "embedder": lambda _, environment: [check_embedder(environment)],
    "sign-in": lambda _, environment: [check_sign_in(environment)],
    "dagster": lambda _, environment: check_dagster(environment),
    "machine": lambda settings, environment: [*check_disk(settings, environment), check_memory(settings)],
}
"""Name → check."""
BEFORE_START = ("versions", "landing", "warehouse", "index", "model", "sign-in", "machine")
"""The checks that apply before anything is started and `DAGSTER_HOME` exists."""


def run_checks(
    settings: Settings,
    environment: Environment | None = None,
    names: Collection[str] = tuple(CHECKS),
    on_check: Callable[[str], object] = lambda name: None,
) -> Sequence[Finding]:
    """Runs the checks with these names.

    Args:
        environment: Source of the service's settings and of Dagster's home; by default that of this process.
        on_check: Gets the name of each check before it runs. One of them may download a model's weights.
    """
    found: list[Finding] = []
    for name, check in CHECKS.items():
        if name in names:
            on_check(name)
            found += check(settings, os.environ if environment is None else environment)
    return found


def blocks(findings: Sequence[Finding]) -> bool:
    """Whether any finding is a problem."""
    return any(finding.level == "problem" for finding in findings)
