"""Data versions per study: each study's materialization has the digest its table was made from, and those of its upstream.

Dagster gives all partitions of a run one data version (docs/adr/0014-data-versions.md), with no way to set one for each. So
its function that makes an output's events is wrapped here; the wrapper changes only tags. `patch_dagster` refuses a Dagster
whose function it does not recognize.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    get_input_data_version_tag,
)
from dagster._core.execution.context.system import StepExecutionContext
from dagster._core.execution.plan import execute_step

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey

LANDED = dg.DataVersion("landing")
"""The data version of every inventory: a study becomes stale by its own objects, not by a new listing."""

__all__ = ["CODE_VERSION_TAG", "LANDED", "StudyVersion", "patch_dagster", "set_data_versions", "tags_of"]

NAME, CALLER = "_get_output_asset_events", "_log_materialization_or_observation_events_for_asset"
PARAMETERS = (
    "asset_key",
    "asset_partitions",
    "output",
    "output_def",
    "io_manager_metadata",
    "step_context",
    "execution_type",
)


@dataclass(frozen=True)
class StudyVersion:
    """What one study's table was made from.

    Args:
        inputs: the digest of its file (`Origin.digest`).
        upstream: upstream study asset → the digest of its table that was used.
    """

    inputs: str
    upstream: Mapping[str, str] = field(default_factory=dict)


_given: WeakKeyDictionary[StepExecutionContext, dict[dg.AssetKey, Mapping[str, StudyVersion]]] = WeakKeyDictionary()


def set_data_versions(step: StepExecutionContext, asset: str, versions: Mapping[StudyKey, StudyVersion]) -> None:
    """Sets the data versions of an asset's materializations in this step."""
    by_partition = {study.partition: version for study, version in versions.items()}
    _given.setdefault(step, {})[dg.AssetKey(asset)] = by_partition


def patch_dagster() -> None:
    """Installs the wrapper, once per process.

    Raises:
        ConfigurationError: Dagster's function has other parameters, or is not called where it was.
    """
    held = getattr(execute_step, NAME, None)
    if held is versioned_events:
        return
    caller = getattr(execute_step, CALLER, None)
    if not (
        held is _dagsters
        and tuple(inspect.signature(held).parameters) == PARAMETERS
        and caller is not None
        and NAME in caller.__code__.co_names
    ):
        raise ConfigurationError(
            f"dagster {dg.__version__} is not supported, because it makes the events of an output in a different way: "
            "install the version in constraints.txt, or adapt medsearch_pipeline/orchestration/data_versions.py"
        )
    setattr(execute_step, NAME, versioned_events)


def versioned_events(
    asset_key: dg.AssetKey,
    asset_partitions: Any,
    output: Any,
    output_def: Any,
    io_manager_metadata: Any,
    step_context: StepExecutionContext,
    execution_type: Any,
) -> Iterator[Any]:
    """Dagster's events of one output, with the data versions set for its studies.

    A partition without one names no study, and keeps Dagster's version. `dagster/input_event_pointer` stays Dagster's: the
    newest event of an upstream asset when the step began.
    """
    events = _dagsters(asset_key, asset_partitions, output, output_def, io_manager_metadata, step_context, execution_type)
    versions = _given.get(step_context, {}).get(asset_key)
    for event in events:
        version = versions.get(event.partition) if versions and event.partition is not None else None
        if version is None:
            yield event
            continue
        step_context.set_data_version(asset_key, dg.DataVersion(version.inputs))  # Dagster compares it with the newest event
        yield event._replace(tags={**event.tags, **tags_of(version)})


def tags_of(version: StudyVersion) -> dict[str, str]:
    """Dagster's tags for the data version of a materialization and those of its upstream."""
    upstream = {get_input_data_version_tag(dg.AssetKey(asset)): inputs for asset, inputs in version.upstream.items()}
    return {DATA_VERSION_TAG: version.inputs, DATA_VERSION_IS_USER_PROVIDED_TAG: "true", **upstream}


_dagsters: Callable[..., Iterator[Any]] = getattr(execute_step, NAME, versioned_events)
