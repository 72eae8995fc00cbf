"""A landing, its tables and its index in memory, changed step by step as runs would change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from medsearch_core.columns import records_of, schema_of, table_of
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import CatalogFile, LandedChange, LandedObject, LedgerEntry
from medsearch_core.search.query import Filters
from medsearch_core.search.results import Counts, IndexHealth
from medsearch_core.storage.warehouse import present_version
from medsearch_pipeline.intake.changes import changes_between
from medsearch_pipeline.ledger.catalog import COLUMNS, IMAGE_REJECTIONS, REPORT_REJECTIONS
from medsearch_pipeline.ledger.reconciliation import Reconciliation, ReconciliationInputs, reconcile
from medsearch_pipeline.ledger.states import LedgerInputs, decide_states, studies_in
from medsearch_pipeline.studies.landed_objects import versions_of

S1, S2 = StudyKey("p1", "s1"), StudyKey("p2", "s2")
NO_LEDGER = schema_of(LedgerEntry).empty_table()
REPORT_TABLES = ("reports", "report_entities", REPORT_REJECTIONS)


def inputs_of(versions: Sequence[str]) -> str:
    return digest_of("test", *sorted(versions))


def landed(
    key: str, study: StudyKey | None = S1, etag: str = "1", kind: str = "dicom", reason: str | None = None
) -> LandedObject:
    return LandedObject(
        key=key,
        bytes=10,
        etag=etag,
        kind="rejected" if reason else kind,
        patient=study.patient if study else None,
        study=study.study if study else None,
        report_names=[],
        reason=reason,
        detail=reason and "why",
    )


def report(key: str, study: StudyKey = S1, etag: str = "1") -> LandedObject:
    return landed(key, study, etag, "report")


@dataclass
class World:
    """A landing, the tables made of it, and the index made of those; each step is one that a run would do."""

    objects: Mapping[str, LandedObject] = field(default_factory=dict)
    files: dict[tuple[StudyKey, str], CatalogFile] = field(default_factory=dict)
    indexed: dict[StudyKey, str] = field(default_factory=dict)
    inventories: int = 0
    noticed: list[LandedChange] = field(default_factory=list)
    ledger: pa.Table = field(default_factory=lambda: NO_LEDGER)

    def land(self, *objects: LandedObject) -> None:
        before, self.objects = self.objects, {o.key: o for o in objects}
        now = {key: self.objects.get(key) for key in {*before, *self.objects}}
        self.noticed += changes_between(before, now)
        self.inventories += 1

    def materialise(
        self, study: StudyKey, refused: Mapping[str, str] | None = None, frames: Mapping[str, int] | None = None
    ) -> None:
        """Writes a study's tables. `refused`: key → reason; `frames`: key → frames refused beside one that was not."""
        mine = [o for o in self.objects.values() if (o.patient, o.study) == (study.patient, study.study) and not o.reason]
        used = [o for o in mine if o.key not in (refused or {})]
        images = [self._used(o, 1) for o in used if o.kind == "dicom"]
        texts = [self._used(o, 0) for o in used if o.kind == "report"]
        bad = {o.key: self._refused(o, (refused or {})[o.key]) for o in mine if o not in used}
        half = [self._refused(o, "truncated_pixel_data", n + 2) for o in used for n in range((frames or {}).get(o.key, 0))]
        bad_images = [bad[o.key] for o in mine if o.kind == "dicom" and o.key in bad] + half
        bad_texts = [bad[o.key] for o in mine if o.kind == "report" and o.key in bad]
        outcomes = {"dicom_metadata": images, "reports": texts, IMAGE_REJECTIONS: bad_images, REPORT_REJECTIONS: bad_texts}
        for table in COLUMNS:
            if table == "tags":
                continue
            kind = "report" if table in REPORT_TABLES else "dicom"
            inputs = inputs_of(versions_of(o for o in mine if o.kind == kind))
            self.files[study, table] = CatalogFile(
                patient=study.patient,
                study=study.study,
                table_name=table,
                etag="e",
                inputs=inputs,
                version=present_version(table),
                run=f"{table} {self.inventories}",
                rows=len(texts) if table == "reports" else len(images),
                outcomes=outcomes.get(table, []),
            )

    def index(self, study: StudyKey) -> None:
        found = {StudyKey(r["patient"], r["study"]): r for r in studies_in(self.catalogue).to_pylist()}.get(study)
        self.indexed.pop(study, None)
        if found and found["documents"] and found["images"] + found["reports"]:
            self.indexed[study] = found["documents"]

    def ingest(self, study: StudyKey = S1, **given: Any) -> None:
        self.materialise(study, **given)
        self.index(study)

    @property
    def catalogue(self) -> pa.Table:
        return table_of(CatalogFile, list(self.files.values()))

    @property
    def inventory(self) -> pa.Table:
        return table_of(LandedObject, list(self.objects.values()))

    def decide(self) -> list[LedgerEntry]:
        evidence = LedgerInputs(
            inventory=self.inventory,
            run=f"inventory {self.inventories}",
            catalog=self.catalogue,
            indexed=self.indexed,
            before=self.ledger,
            noticed=table_of(LandedChange, self.noticed),
        )
        self.noticed = []
        self.ledger = decide_states(evidence, inputs_of, inputs_of)
        return records_of(LedgerEntry, self.ledger)

    def states(self) -> dict[tuple[str, str], str]:
        """Key and tag → state."""
        return {(e.key, e.etag): e.state for e in self.decide()}

    def reconcile(self, health: IndexHealth | None = None, held: Mapping[StudyKey, Counts] | None = None) -> Reconciliation:
        """`held`: what the index says when asked for a study."""
        studies = studies_in(self.catalogue)
        due = {
            StudyKey(r["patient"], r["study"]): Counts(r["images"], r["reports"]) for r in studies.to_pylist() if r["documents"]
        }
        due |= held or {}

        def count(filters: Filters) -> Counts:
            of = [
                c
                for s, c in due.items()
                if s.patient in filters.patients and (not filters.studies or s.study in filters.studies)
            ]
            return Counts(images=sum(c.images for c in of), reports=sum(c.reports for c in of))

        total = count(Filters(patients=tuple(s.patient for s in due)))
        return reconcile(
            ReconciliationInputs(
                inventory=self.inventory,
                ledger=self.ledger,
                studies=studies,
                indexed=self.indexed,
                health=health or IndexHealth(images=total.images, reports=total.reports, studies=len(self.indexed)),
                count=count,
            )
        )

    @staticmethod
    def _used(item: LandedObject, images: int) -> dict[str, Any]:
        return {"key": item.key, "sha256": f"sha of {item.key} {item.etag}", "images": images}

    @staticmethod
    def _refused(item: LandedObject, reason: str, frame: int | None = None) -> dict[str, Any]:
        return {"key": item.key, "images": 0, "frame": frame, "reason": reason, "detail": "why"}
