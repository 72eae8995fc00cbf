"""Documents for the search tests: a fixed small vocabulary, values that are awkward in SQL, vectors that tie."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.facets import FACETS
from medsearch_core.search.query import Filters, TextField

AWKWARD = ["CR", "DX", "o'brien", "''", "100%", "a_b", "back\\slash", 'q"uote', "é😀", "' OR true --", "x\ny", "\0"]
CODES = ["J18", "J18.9", "J18.10", "J90", "J1", "I50.9", "%", "J_8", "O'1"]
WORDS = [
    "effusion",
    "effusions",
    "Effusion",
    "opacity",
    "opacities",
    "lung",
    "LUNGS",
    "the",
    "No",
    "heart",
    "edema",
    "Oedema",
    "Sjögren",
    "12",
]
DAYS = ["2020-02-29", "2020-03-01", "2021-12-31"]


def image(study: StudyKey, name: str = "1", **values: Any) -> ImageDocument:
    """An image of two dimensions unless `vector` is given."""
    document: dict[str, Any] = {
        "image_id": f"{study.study}.{name}",
        "patient": study.patient,
        "study": study.study,
        "report_id": study.study,
        "source_key": f"{study.partition}/{name}.dcm",
        "sha256": "0" * 64,
        "model_id": "tiny",
        "model_version": "1",
        "vector": [1.0, 0.0],
    }
    return ImageDocument(**(document | values))


def report(study: StudyKey, **values: Any) -> ReportDocument:
    """A report whose text is its findings and impression unless `text` is given."""
    text = f"FINDINGS: {values.get('findings') or ''}\nIMPRESSION: {values.get('impression') or ''}"
    document: dict[str, Any] = {
        "report_id": study.study,
        "patient": study.patient,
        "study": study.study,
        "text": text,
        "source_key": f"{study.partition}.txt",
        "sha256": "1" * 64,
        "ner_version": "1",
    }
    return ReportDocument(**(document | values))


def study_of(name: str, *, patient: str = "p1", inputs: str = "a", images: int = 1, **values: Any) -> StudyDocuments:
    """A study with so many equal images and one report of these values."""
    key = StudyKey(patient, name)
    return StudyDocuments(
        study=key, images=[image(key, str(i)) for i in range(images)], reports=[report(key, **values)], inputs=inputs
    )


awkward = st.sampled_from(AWKWARD)
few_awkward = st.lists(awkward, max_size=3).map(tuple)
codes = st.lists(st.sampled_from(CODES), max_size=3).map(tuple)
maybe_age = st.none() | st.sampled_from([0.0, 17.5, 40.0, 89.0])
maybe_day = st.none() | st.sampled_from(DAYS)
sentences = st.none() | st.lists(st.sampled_from(WORDS), max_size=6).map(". ".join)
vectors = st.lists(st.integers(-2, 2).map(float), min_size=3, max_size=3)
queries = st.lists(
    st.sampled_from([*WORDS, '"', "AND", "-", "(", "*", "~2", "^", ":", "\\", "nowhere", "sjogren"]), max_size=4
).map(" ".join)
report_ids = [f"s{study}.p{patient}.{n}" for study in range(1, 5) for patient in range(1, 4) for n in range(2)]
image_ids = [f"s{study}.p{patient}.{n}" for study in range(1, 5) for patient in range(1, 4) for n in range(3)]


@st.composite
def studies(draw: st.DrawFn) -> StudyDocuments:
    """One of twelve studies, with up to three images and two reports."""
    key = StudyKey(f"p{draw(st.integers(1, 3))}", f"s{draw(st.integers(1, 4))}")
    shared: dict[str, Any] = {
        "patient_sex": draw(st.none() | awkward),
        "patient_age_years": draw(maybe_age),
        "study_date": draw(maybe_day),
        "tags": draw(few_awkward),
    }
    shared |= {"present_codes": draw(codes), "absent_codes": draw(codes), "uncertain_codes": draw(codes)}
    reports = [
        report(
            key,
            report_id=f"{key.study}.{key.patient}.{n}",
            findings=draw(sentences),
            impression=draw(sentences),
            **{facet.name: draw(few_awkward) for facet in FACETS},
            positive_signs=draw(few_awkward),
            negative_diagnoses=draw(few_awkward),
            positive_icd10cms=draw(codes),
            **shared,
        )
        for n in range(draw(st.sampled_from([1, 2, 2, 0])))
    ]
    images = [
        image(
            key,
            f"{key.patient}.{n}",
            vector=draw(vectors),
            report_id=draw(st.none() | st.sampled_from([f"{key.study}.{key.patient}.{n}" for n in range(2)])),
            **{facet.column: draw(st.none() | awkward) for facet in FACETS},
            **shared,
        )
        for n in range(draw(st.sampled_from([1, 2, 3, 0])))
    ]
    return StudyDocuments(study=key, images=images, reports=reports, inputs=draw(st.sampled_from(["a", "b", "c", ""])))


many_filters = st.builds(
    Filters,
    patients=st.lists(st.sampled_from(["p1", "p2", "p'"]), max_size=2),
    studies=st.lists(st.sampled_from(["s1", "s2", "s%"]), max_size=2),
    reports=st.lists(st.sampled_from(report_ids), max_size=12),
    **{facet.name: st.just(()) | few_awkward for facet in FACETS},
    sexes=st.just(()) | few_awkward,
    tags=st.just(()) | few_awkward,
    min_age_years=maybe_age,
    max_age_years=maybe_age,
    from_date=maybe_day,
    to_date=maybe_day,
    present=st.just(()) | codes,
    absent=st.just(()) | codes,
    uncertain=st.just(()) | codes,
    without_patients=st.lists(st.sampled_from(["p1", "p3"]), max_size=1),
    without_studies=st.lists(st.sampled_from(["s3", "s'"]), max_size=1),
    without_reports=st.lists(st.sampled_from(report_ids), max_size=3),
    without_images=st.lists(st.sampled_from(image_ids), max_size=3),
    without_present=st.just(()) | codes,
)
"""Filters on all fields at once, which match few documents."""


def single_filters() -> st.SearchStrategy[Filters]:
    """Filters on one field, which match documents more often."""
    some = {
        **dict.fromkeys((*(facet.name for facet in FACETS), "sexes", "tags"), awkward),
        **dict.fromkeys(("reports", "without_reports"), st.sampled_from(report_ids)),
        "without_images": st.sampled_from(image_ids),
    }
    code = st.sampled_from([*CODES, "J", "j18", " J18 ", "J18."])
    return st.one_of(
        st.just(Filters()),
        *[st.builds(Filters, **{n: st.lists(v, min_size=1, max_size=8)}) for n, v in some.items()],
        *[st.builds(Filters, **{n: code.map(lambda c: [c])}) for n in ("present", "absent", "uncertain")],
        st.builds(Filters, without_present=st.lists(code, min_size=1, max_size=2)),
        *[st.builds(Filters, **{n: maybe_age}) for n in ("min_age_years", "max_age_years")],
        *[st.builds(Filters, **{n: maybe_day}) for n in ("from_date", "to_date")],
        st.just(Filters(without_patients=["p1"])),
        st.just(Filters(without_studies=["s1", "s2"])),
    )


filters = st.booleans().flatmap(lambda narrow: single_filters() | many_filters if narrow else st.just(Filters()))
text_fields = st.lists(st.sampled_from(TextField), max_size=3)
