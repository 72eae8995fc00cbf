"""A check's result in Dagster: studies by key, counts, and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from medsearch_core.keys import StudyKey

NAMED = 50


def no_study_is_at_fault(
    asset: str, name: str, faults: Mapping[StudyKey, str], remedy: str, **counts: int
) -> dg.AssetCheckResult:
    """Fails if any study has a fault, and lists those studies. It blocks nothing: one study never holds up the others of its
    run.

    Args:
        faults: study → what is wrong with it, without values of its rows.
        remedy: what to do about such studies.
    """
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(faults)} studies have faults: {remedy}" if faults else "no study has a fault",
        metadata={
            "studies_at_fault": len(faults),
            **counts,
            "faults": dg.MetadataValue.json({str(study): faults[study] for study in sorted(faults)[:NAMED]}),
        },
    )
