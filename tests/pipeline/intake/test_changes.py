"""What follows from what was seen: compared, placed, joined and marked little by little as in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.columns import records_of, schema_of, table_of
from medsearch_core.errors import RemovalUnconfirmed
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_pipeline.intake.changes import (
    Observation,
    assign_reports,
    changes_between,
    check_mass_deletion,
    find_changed,
    observations_between,
    replace_rows,
)
from medsearch_pipeline.intake.placement import place_by_key, placed_object
from medsearch_pipeline.settings.layout import MIMIC_CXR
from tests.support.examples import examples
from tests.support.joined_reports import joined_one_by_one

NOTHING = schema_of(LandedObject).empty_table()
A, B = StudyKey("h1", "sA"), StudyKey("h2", "sB")


def image(key: str, study: StudyKey = A, names: tuple[str, ...] = (), etag: str = "1") -> LandedObject:
    item = replace(placed_object(ObjectInfo(key, 10, etag), study, "dicom"), report_names=list(names))
    return replace(item, patient_id=study.patient, study_instance_uid=study.study)


def text(key: str, etag: str = "1") -> LandedObject:
    item = place_by_key(ObjectInfo(key, 10, etag), MIMIC_CXR)
    assert item
    return item


def rows_after(*steps: Mapping[str, LandedObject | None]) -> Mapping[str, LandedObject]:
    rows = NOTHING
    for step in steps:
        rows = replace_rows(rows, assign_reports(rows, step, MIMIC_CXR))
    return {o.key: o for o in records_of(LandedObject, rows)}


def by_key(*items: LandedObject) -> dict[str, LandedObject | None]:
    return {item.key: item for item in items}


def test_only_what_has_another_size_or_tag_or_is_gone_or_new_is_unlike() -> None:
    rows = table_of(LandedObject, [image("a"), image("b"), image("c"), replace(image("d"), reason="unreadable_object")])
    seen = [
        Observation("a", ObjectInfo("a", 10, "1")),
        Observation("b", ObjectInfo("b", 10, "2")),
        Observation("c", None),
        Observation("d", ObjectInfo("d", 10, "1")),
        Observation("new", ObjectInfo("new", 1, "1")),
        Observation("never", None),
    ]
    assert [each.key for each in find_changed(rows, seen)] == ["b", "c", "d", "new"]
    assert find_changed(rows, [Observation("a", None), Observation("a", ObjectInfo("a", 10, "1"))]) == [], "the last one counts"


def test_in_a_scanned_window_a_known_key_that_is_not_there_is_gone_and_beyond_it_is_not() -> None:
    rows = table_of(LandedObject, [image(key) for key in ("a", "b", "c", "d", "é")])
    found = [ObjectInfo("b", 10, "1"), ObjectInfo("d", 10, "1")]
    assert {s.key for s in observations_between(rows, "a", found, False) if not s.info} == {"c"}
    assert {s.key for s in observations_between(rows, "a", found, True) if not s.info} == {"c", "é"}
    assert observations_between(rows, "é", [], True) == []
    assert {s.key for s in observations_between(rows, "", [], True)} == {"a", "b", "c", "d", "é"}


def test_a_report_that_came_first_joins_when_its_image_comes_and_is_left_when_that_goes() -> None:
    first = by_key(text("in/7.txt"))
    joined = rows_after(first, by_key(image("x/1", A, ("7",))))["in/7.txt"]
    assert (joined.kind, joined.study, joined.reason) == ("report", "sA", None)
    assert rows_after(first, by_key(image("x/1", A, ("7",))), {"x/1": None}) == rows_after(first)


def test_a_second_study_of_the_name_displaces_a_report_that_did_not_change() -> None:
    steps = [by_key(text("in/7.txt"), image("x/1", A, ("7",))), by_key(image("y/1", B, ("7",)))]
    displaced = rows_after(*steps)["in/7.txt"]
    assert (displaced.study, displaced.reason, "'7'" in str(displaced.detail)) == (None, "report_without_study", True)
    assert rows_after(*steps, {"x/1": None})["in/7.txt"].study == "sB"


def test_another_report_in_the_folder_displaces_the_one_that_was_alone() -> None:
    steps = [by_key(text("x/one.txt"), image("x/1")), by_key(text("x/two.txt"))]
    assert {rows_after(*steps)[key].reason for key in ("x/one.txt", "x/two.txt")} == {"report_without_study"}
    assert rows_after(*steps, {"x/two.txt": None})["x/one.txt"].study == "sA"


def test_one_study_id_under_two_patients_marks_both_and_unmarks_the_one_that_stays() -> None:
    other = StudyKey("h2", A.study)
    both = rows_after(by_key(image("a/1")), by_key(image("b/1", other)))
    assert {key: o.is_study_shared for key, o in both.items()} == {"a/1": True, "b/1": True}
    assert not rows_after(by_key(image("a/1")), by_key(image("b/1", other)), {"b/1": None})["a/1"].is_study_shared


def test_a_change_tells_which_studies_gained_and_lost() -> None:
    was, moved = image("a"), image("a", B, etag="2")
    kinds = [(c.change, c.study) for c in changes_between({"a": was}, {"a": moved})]
    assert kinds == [("removed", "sA"), ("added", "sB")]
    assert [c.change for c in changes_between({"a": was}, {"a": replace(was, etag="2")})] == ["replaced"]
    assert [c.change for c in changes_between({"a": was}, {"a": replace(was, etag="2", version="1")})] == ["retagged"]
    again = replace(was, etag="2", version="1")
    assert [c.change for c in changes_between({"a": again}, {"a": replace(was, etag="3", version="1")})] == ["retagged"]
    assert [c.change for c in changes_between({"a": again}, {"a": replace(was, etag="3")})] == ["replaced"]
    assert [c.change for c in changes_between({"a": was}, {"a": None})] == ["removed"]
    assert changes_between({"a": was}, {"a": was}) == []


@pytest.mark.parametrize(("known", "gone"), [(1, 1), (600, 600), (600_000, 300_001), (201, 101)])
def test_most_of_a_store_gone_at_once_is_not_believed(known: int, gone: int) -> None:
    with pytest.raises(RemovalUnconfirmed, match=r"inventory_job.*confirm_removal: true"):
        check_mass_deletion(known, gone)


@pytest.mark.parametrize(("known", "gone"), [(0, 0), (5, 0), (5, 4), (150, 100), (600_000, 300_000)])
def test_a_few_gone_or_less_than_half_is_believed(known: int, gone: int) -> None:
    check_mass_deletion(known, gone)


FOLDERS = ("", "a/", "a/b/", "a/b/c/", "a/d/", "files/p10/p10000032/")
STUDIES = [StudyKey("h1", "s1"), StudyKey("h2", "s1"), StudyKey("h2", "s2"), StudyKey("p10000032", "s50414267")]
NAMES = ("7", "8", "s50414267", "x.y")
keys_of_images = st.builds(lambda f, n: f"{f}IM{n}", st.sampled_from(FOLDERS), st.integers(1, 2))
keys_of_reports = st.builds(lambda f, n: f"{f}{n}.txt", st.sampled_from(FOLDERS), st.sampled_from(NAMES))


@st.composite
def steps(draw: st.DrawFn) -> dict[str, LandedObject | None]:
    """What one round of observation sees: images of a few studies, reports, and things that went."""
    step: dict[str, LandedObject | None] = {}
    for key in draw(st.lists(keys_of_images, max_size=3)):
        names = tuple(draw(st.sets(st.sampled_from(NAMES), max_size=2)))
        item = image(key, draw(st.sampled_from(STUDIES)), names, draw(st.sampled_from("12")))
        step[key] = draw(st.sampled_from([item, None]))
    for key in draw(st.lists(keys_of_reports, max_size=3)):
        info = ObjectInfo(key, draw(st.sampled_from([0, 10])), "1")
        step[key] = draw(st.sampled_from([place_by_key(info, MIMIC_CXR), None]))
    return step


def from_scratch(rows: Mapping[str, LandedObject]) -> Mapping[str, LandedObject]:
    joined = joined_one_by_one(list(rows.values()), MIMIC_CXR)
    patients: dict[str, set[str]] = {}
    for item in joined:
        if item.kind != "rejected" and item.study and item.patient:
            patients.setdefault(item.study, set()).add(item.patient)
    return {
        o.key: replace(o, is_study_shared=o.kind != "rejected" and len(patients.get(o.study or "", ())) > 1) for o in joined
    }


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(steps(), max_size=5))
def test_deciding_over_the_neighbourhood_comes_to_what_deciding_over_everything_does(
    history: list[dict[str, LandedObject | None]],
) -> None:
    rows, journalled = NOTHING, NOTHING
    for step in history:
        after = assign_reports(rows, step, MIMIC_CXR)
        before = {o.key: o for o in records_of(LandedObject, rows)}
        changes = changes_between(before, after)
        last = {c.key: None if c.change == "removed" else after[c.key] for c in changes}
        rows, journalled = replace_rows(rows, after), replace_rows(journalled, last)
    landed = {o.key: o for o in records_of(LandedObject, rows)}
    assert landed == from_scratch(landed)
    assert landed == {o.key: o for o in records_of(LandedObject, journalled)}
    assert assign_reports(rows, {}, MIMIC_CXR, is_whole=True).items() <= landed.items()
