"""The expected results of every index, computed in the simplest way: lists, loops and a hand-written table of stems."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.facets import FACETS
from medsearch_core.search.query import NO_FILTERS, Filters, TextField
from medsearch_core.search.results import Counts
from medsearch_core.search.similar_images import Exclude

STEMS = {
    "effusions": "effusion",
    "opacities": "opacity",
    "lungs": "lung",
    "oedema": "edema",
    "sjögren": "sjogren",
    "the": "",
    "and": "",
    "no": "",
}
"""The words of the tests that are not their own stem: plurals and variant spellings to one form, stop words to nothing."""


class ReferenceIndex:
    """Studies in a dictionary."""

    def __init__(self) -> None:
        self.studies: dict[StudyKey, StudyDocuments] = {}

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        written = 0
        for study in {s.study: s for s in studies}.values():
            held = self.studies.get(study.study)
            if not (study.images or study.reports):
                written += self.studies.pop(study.study, None) is not None
            elif held is None or not study.inputs or held.inputs != study.inputs:
                self.studies[study.study] = study
                written += 1
        return written

    def delete(self, keys: Iterable[StudyKey]) -> None:
        for key in keys:
            self.studies.pop(key, None)

    @property
    def images(self) -> list[ImageDocument]:
        return [i for s in self.studies.values() for i in s.images]

    @property
    def reports(self) -> list[ReportDocument]:
        return [r for s in self.studies.values() for r in s.reports]

    def similar(self, vector: Sequence[float], filters: Filters) -> dict[str, float]:
        """Image id → cosine of all matching images."""
        return {i.image_id: cosine(vector, i.vector) for i in self.images if image_matches(i, filters)}

    def similar_to(self, image: ImageDocument, filters: Filters, exclude: Exclude) -> dict[str, float]:
        """As `similar`, without the exclusions."""
        left_out = {
            Exclude.NOTHING: lambda other: False,
            Exclude.IMAGE: lambda other: other.image_id == image.image_id,
            Exclude.STUDY: lambda other: other.study == image.study,
            Exclude.PATIENT: lambda other: other.patient == image.patient,
        }[exclude]
        hidden = {i.image_id for i in self.images if left_out(i)}
        return {id_: score for id_, score in self.similar(image.vector, filters).items() if id_ not in hidden}

    def text(self, query: str, fields: Sequence[TextField], filters: Filters) -> dict[str, float]:
        """Report id → BM25 of all matching reports. Spellings with one stem each count, repeated words once."""
        words = stems_of(dict.fromkeys(words_of(query)))
        scores: dict[str, float] = {r.report_id: 0.0 for r in self.reports} if not words else {}
        for field in set(fields) or {TextField.FINDINGS, TextField.IMPRESSION} if words else ():
            for id_, score in self._bm25(words, field.value).items():
                scores[id_] = scores.get(id_, 0.0) + score
        matching = {r.report_id for r in self.reports if report_matches(r, filters)}
        return {id_: score for id_, score in scores.items() if id_ in matching}

    def more_like(self, report: ReportDocument, filters: Filters) -> dict[str, float]:
        """As `text` for the report's own words, without the report."""
        words = f"{report.findings or ''} {report.impression or ''}"
        found = self.text(words, (), filters) if stems_of(words_of(words)) else {}
        return {id_: score for id_, score in found.items() if id_ != report.report_id}

    def facets(self, field: str, filters: Filters, query: str) -> list[tuple[str, int]]:
        ids = self.text(query, (), filters)
        counts: Counter[str] = Counter()
        for report in self.reports:
            value: Any = getattr(report, field)
            if report.report_id in ids and value is not None:
                counts.update({value} if isinstance(value, str) else set(value))
        return sorted(counts.items(), key=lambda c: (-c[1], c[0]))

    def count(self, filters: Filters) -> Counts:
        return Counts(
            images=sum(image_matches(i, filters) for i in self.images),
            reports=sum(report_matches(r, filters) for r in self.reports),
        )

    def list_images(self, filters: Filters) -> list[str]:
        matching = [i for i in self.images if image_matches(i, filters)]
        return [i.image_id for i in sorted(matching, key=lambda i: (f"{i.patient}/{i.study}", i.image_id))]

    def images_of_report(self, report_id: str, filters: Filters = NO_FILTERS) -> list[str]:
        return sorted(i.image_id for i in self.images if i.report_id == report_id and image_matches(i, filters))

    def _bm25(self, words: list[str], field: str) -> dict[str, float]:
        texts = {r.report_id: stems_of(words_of(getattr(r, field) or "")) for r in self.reports}
        texts = {id_: text for id_, text in texts.items() if text}
        if not texts:
            return {}
        average = sum(map(len, texts.values())) / len(texts)
        scores: dict[str, float] = {}
        for word in words:
            holding = {id_: text.count(word) for id_, text in texts.items() if word in text}
            rarity = math.log(1 + (len(texts) - len(holding) + 0.5) / (len(holding) + 0.5))
            for id_, n in holding.items():
                share = n * 2.2 / (n + 1.2 * (0.25 + 0.75 * len(texts[id_]) / average))
                scores[id_] = scores.get(id_, 0.0) + rarity * share
        return scores


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def stems_of(words: Iterable[str]) -> list[str]:
    """The words as they are compared, without stop words."""
    return [stem for stem in (STEMS.get(w, w) for w in words) if stem]


def image_matches(image: ImageDocument, filters: Filters) -> bool:
    return (
        _shared(image, filters)
        and image.image_id not in filters.without_images
        and all(
            not wanted or value in wanted
            for wanted, value in ((getattr(filters, f.name), getattr(image, f.column)) for f in FACETS)
        )
    )


def report_matches(report: ReportDocument, filters: Filters) -> bool:
    return _shared(report, filters) and all(
        not wanted or set(wanted) & set(values)
        for wanted, values in ((getattr(filters, f.name), getattr(report, f.name)) for f in FACETS)
    )


def _shared(document: ImageDocument | ReportDocument, filters: Filters) -> bool:
    age, day = document.patient_age_years, document.study_date
    return (
        (not filters.patients or document.patient in filters.patients)
        and (not filters.studies or document.study in filters.studies)
        and (not filters.reports or document.report_id in filters.reports)
        and (not filters.sexes or document.patient_sex in filters.sexes)
        and (not filters.tags or bool(set(filters.tags) & set(document.tags)))
        and document.patient not in filters.without_patients
        and document.study not in filters.without_studies
        and document.report_id not in filters.without_reports
        and (filters.min_age_years is None or (age is not None and age >= filters.min_age_years))
        and (filters.max_age_years is None or (age is not None and age <= filters.max_age_years))
        and (filters.from_date is None or (day is not None and day >= filters.from_date))
        and (filters.to_date is None or (day is not None and day <= filters.to_date))
        and _codes(document.present_codes, filters.present)
        and _codes(document.absent_codes, filters.absent)
        and _codes(document.uncertain_codes, filters.uncertain)
        and not any(_codes(document.present_codes, [unwanted]) for unwanted in filters.without_present)
    )


def _codes(held: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(any(c.upper().startswith(w.strip().upper()) for c in held) for w in wanted)


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """0 for a zero vector."""
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0
