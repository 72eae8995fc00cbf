"""The one partitions definition of the project: a dynamic key `patient/study`.

Two dynamic dimensions would be the full product of patients and studies, and almost none of these pairs exist
(docs/adr/0001-partitions.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from medsearch_core.keys import StudyKey

NAME = "patient_study"
study_partitions = dg.DynamicPartitionsDefinition(name=NAME)
CHUNK = 10_000


@dataclass(frozen=True)
class Partitions:
    """Partition keys, valid and malformed.

    Args:
        studies: those that name a study.
        malformed: those that name none, such as `foo`, added by hand. They are skipped.
    """

    studies: Sequence[StudyKey]
    malformed: Sequence[str]

    @classmethod
    def of(cls, keys: Iterable[str]) -> "Partitions":
        """Separates valid and malformed keys, in order."""
        studies, malformed = [], []
        for key in keys:
            try:
                studies.append(StudyKey.parse(key))
            except ValueError:
                malformed.append(key)
        return cls(studies, malformed)


def register(instance: dg.DagsterInstance, studies: Sequence[StudyKey], known: Sequence[str] | None = None) -> list[str]:
    """Adds new partitions, sorted by patient, in chunks that SQLite can handle; returns their keys.

    Args:
        known: the existing partitions, if the caller has just read them.
    """
    held = set(instance.get_dynamic_partitions(NAME) if known is None else known)
    new = [s.partition for s in sorted(studies) if s.partition not in held]
    for start in range(0, len(new), CHUNK):
        instance.add_dynamic_partitions(NAME, new[start : start + CHUNK])
    return new
