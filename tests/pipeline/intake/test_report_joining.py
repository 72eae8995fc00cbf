"""Which study a report belongs to: by its name, or by the nearest folder with images; and what a later object changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from medsearch_core.columns import records_of, schema_of
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_pipeline.intake.changes import assign_reports, replace_rows
from medsearch_pipeline.intake.placement import place_by_key, placed_object
from medsearch_pipeline.settings.layout import MIMIC_CXR

A, B = StudyKey("h1", "sA"), StudyKey("h2", "sB")


def image(key: str, study: StudyKey = A, *names: str) -> LandedObject:
    return replace(placed_object(ObjectInfo(key, 10, "1"), study, "dicom"), report_names=list(names))


def text(key: str) -> LandedObject:
    item = place_by_key(ObjectInfo(key, 10, "1"), MIMIC_CXR)
    assert item
    return item


def landed(*rounds: list[LandedObject | str]) -> Mapping[str, LandedObject]:
    """What is known after rounds of objects that came, and of keys that went."""
    rows = schema_of(LandedObject).empty_table()
    for each in rounds:
        seen = {item if isinstance(item, str) else item.key: None if isinstance(item, str) else item for item in each}
        rows = replace_rows(rows, assign_reports(rows, seen, MIMIC_CXR))
    return {item.key: item for item in records_of(LandedObject, rows)}


def study_of(key: str, *rounds: list[LandedObject | str]) -> str | None:
    return landed(*rounds)[key].study


def test_a_report_named_after_its_study_joins_it_wherever_it_lies() -> None:
    objects = landed([image("a/1", A, "1.2.3", "50414267"), text("reports/50414267.txt")])
    assert {(o.kind, o.study, o.reason) for o in objects.values()} == {("dicom", "sA", None), ("report", "sA", None)}


@pytest.mark.parametrize(
    ("report", "images"),
    [
        ("x/STUDY/report.txt", ["x/STUDY/1", "x/STUDY/2"]),
        ("x/STUDY/report.txt", ["x/STUDY/SERIES/1", "x/STUDY/OTHER/1"]),
        ("x/STUDY/report.txt", ["x/STUDY/DICOM/CT/00/1"]),
        ("x/STUDY/REPORT/report.txt", ["x/STUDY/SERIES/1"]),
        ("x/STUDY/DOC/2026/report.txt", ["x/STUDY/DICOM/CT/1"]),
        ("report.txt", ["1"]),
    ],
)
def test_a_report_goes_by_the_nearest_folder_with_images_whichever_comes_first(report: str, images: list[str]) -> None:
    others: list[LandedObject | str] = [image("x/OTHER/SERIES/1", B), image("y/1", B)]
    files: list[LandedObject | str] = [image(key) for key in images]
    assert study_of(report, others, [text(report), *files]) == "sA"
    assert study_of(report, [text(report)], others, files) == "sA"
    assert study_of(report, others, files, [text(report)]) == "sA"


@pytest.mark.parametrize(
    ("objects", "reports", "why"),
    [
        ([image("p/ST1/1"), image("p/ST2/1", B)], ["p/report.txt"], "p/ contains several studies"),
        ([image("p/1"), image("p/PRIOR/1", B)], ["p/report.txt"], "p/ contains several studies"),
        ([image("p/SE/1"), image("p/SE/2", B)], ["p/DOC/report.txt"], "p/ contains several studies"),
        ([image("p/SE/1")], ["p/one.txt", "p/two.txt"], "p/ contains several reports"),
        ([image("p/SE/1")], ["p/R1/one.txt", "p/R2/two.txt"], "p/ contains several reports"),
        ([image("a/1", A, "7"), image("b/1", B, "7")], ["r/7.txt"], "several studies have '7'"),
        ([image("a/1")], ["r/report.txt"], "no DICOM object in or below r/"),
        ([image("a/1")], ["report.txt"], "no DICOM object in or below the root of the store"),
        ([], ["report.txt"], "no study has 'report'"),
    ],
)
def test_a_report_that_could_be_anyones_is_given_to_nobody_and_says_what_was_looked_for(
    objects: list[LandedObject | str], reports: list[str], why: str
) -> None:
    texts: list[LandedObject | str] = [text(key) for key in reports]
    for found in (landed(objects, texts), landed(texts, objects)):
        assert {found[key].reason for key in reports} == {"report_without_study"}
        assert all(why in (found[key].detail or "") for key in reports)


def test_the_image_of_a_second_study_makes_a_folder_nobodys_and_its_going_gives_the_report_back() -> None:
    first: list[LandedObject | str] = [text("p/report.txt"), image("p/SE/1")]
    assert study_of("p/report.txt", first, [image("p/ST2/SE/1", B)]) is None
    assert study_of("p/report.txt", first, [image("p/ST2/SE/1", B)], ["p/ST2/SE/1"]) == "sA"
    assert study_of("p/report.txt", first, [image("p/ST2/SE/1", B)], ["p/SE/1"]) == "sB"
    assert study_of("p/report.txt", first, ["p/SE/1"]) is None


def test_a_report_that_gets_a_nearer_folder_leaves_the_other_to_the_one_that_stays() -> None:
    both: list[LandedObject | str] = [image("p/SE/1"), text("p/R1/one.txt"), text("p/R2/two.txt")]
    objects = landed(both, [image("p/R1/1")])
    assert [objects[key].study for key in ("p/R1/one.txt", "p/R2/two.txt")] == ["sA", "sA"]


def test_a_name_counts_before_a_folder_and_two_reports_of_a_study_may_lie_in_folders_of_their_own() -> None:
    objects = landed([image("p/SE/1"), image("q/1", B, "7"), text("p/7.txt"), text("p/SE/notes.txt")])
    assert [objects[key].study for key in ("p/7.txt", "p/SE/notes.txt")] == ["sB", "sA"]
