"""What the ledger decides: one state for every landed object, tombstones for what is gone, the same rows every time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.columns import records_of
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import EXCLUSIONS, REASONS, STATES, TOMBSTONES, LandedObject, LedgerEntry
from medsearch_core.search.results import Counts, IndexHealth
from medsearch_core.storage.ledger import totals_of
from medsearch_pipeline.ledger.catalog import COLUMNS, IMAGE_REJECTIONS
from medsearch_pipeline.ledger.reconciliation import unrecorded
from medsearch_pipeline.ledger.states import current_rejections
from tests.support.examples import examples
from tests.support.ledger_fixtures import S1, S2, World, landed, report
from tests.support.sentences import figures


def test_an_ingested_study_is_indexed_and_names_its_digest_its_images_and_the_run_of_its_table() -> None:
    world = World()
    world.land(landed("a"), report("a.txt"))
    world.ingest()
    image, text = world.decide()
    assert (image.state, image.sha256, image.images, image.run) == ("indexed", "sha of a 1", 1, "dicom_metadata 1")
    assert (text.state, text.sha256, text.images, text.run) == ("indexed", "sha of a.txt 1", 0, "reports 1")
    assert world.reconcile().differences == []


def test_what_no_asset_has_seen_is_pending_and_no_difference() -> None:
    world = World()
    world.land(landed("a"), report("a.txt"))
    assert set(world.states().values()) == {"pending"}
    assert world.reconcile().differences == []


@pytest.mark.parametrize("table", [table for table in COLUMNS if table != "tags"])
def test_an_object_whose_study_lacks_a_table_is_not_indexed_and_its_keys_are_named(table: str) -> None:
    world = World()
    world.land(landed("a"), report("a.txt"))
    world.ingest()
    del world.files[S1, table]
    assert "pending" in world.states().values()
    (difference,) = world.reconcile().differences
    assert figures(difference.message) == [1]
    assert difference.keys == ["a", "a.txt"]


def test_a_table_in_another_schema_or_unreadable_is_as_good_as_none() -> None:
    world = World()
    world.land(landed("a"), report("a.txt"))
    world.ingest()
    world.files[S1, "reports"] = replace(world.files[S1, "reports"], inputs=None, outcomes=[])
    assert set(world.states().values()) == {"pending"}
    assert world.reconcile().keys == ["a", "a.txt"]


def test_objects_of_a_study_that_the_index_lacks_or_has_of_other_tables_are_pending() -> None:
    world = World()
    world.land(landed("a"))
    world.materialise(S1)
    assert world.states() == {("a", "1"): "pending"}
    assert world.reconcile().keys == ["a"]
    world.indexed[S1] = "documents of other tables"
    assert world.states() == {("a", "1"): "pending"}
    world.index(S1)
    assert world.states() == {("a", "1"): "indexed"}


def test_tags_that_the_index_does_not_have_yet_leave_the_study_pending() -> None:
    world = World()
    world.land(landed("a"))
    world.ingest()
    tags = replace(world.files[S1, "reports"], table_name="tags", inputs=digest_of("teaching"), outcomes=[])
    world.files[S1, "tags"] = tags
    assert world.states() == {("a", "1"): "pending"}
    world.index(S1)
    assert world.states() == {("a", "1"): "indexed"}


@pytest.mark.parametrize(
    ("table", "fault"),
    [("tags", {"inputs": None}), ("embeddings", {"rows": 5})],
    ids=["unreadable tags", "vectors of other images"],
)
def test_a_study_whose_files_are_not_of_one_another_is_not_indexed_whatever_the_index_says(table: str, fault: Any) -> None:
    world = World()
    world.land(landed("a"))
    world.ingest()
    world.files[S1, table] = replace(world.files[S1, "embeddings"], table_name=table, **fault)
    assert world.states() == {("a", "1"): "pending"}
    assert world.reconcile().keys == ["a"]


def test_what_is_refused_is_rejected_or_excluded_with_the_reason_whoever_refused_it() -> None:
    world = World()
    world.land(*(landed(r, S1) for r in REASONS), *(landed(f"listed {r}", S2, reason=r) for r in REASONS))
    world.ingest(refused={r: r for r in REASONS})
    found = {e.key: (e.state, e.reason, e.detail, e.run) for e in world.decide()}
    for reason in REASONS:
        state = "excluded" if reason in EXCLUSIONS else "rejected"
        assert found[reason] == (state, reason, "why", f"{IMAGE_REJECTIONS} 1")
        assert found[f"listed {reason}"] == (state, reason, "why", "inventory 1")
    assert world.reconcile().differences == []


def test_an_object_with_good_and_bad_frames_is_indexed_and_counts_the_bad_ones() -> None:
    world = World()
    world.land(landed("a"))
    world.ingest(frames={"a": 2})
    (entry,) = world.decide()
    assert (entry.state, entry.reason, entry.images, entry.refused_frames) == ("indexed", None, 1, 2)
    refusals = current_rejections(world.ledger, world.catalogue).to_pylist()
    assert [(r["key"], r["frame"], r["reason"]) for r in refusals] == [(("a"), n, "truncated_pixel_data") for n in (2, 3)]


def test_an_object_that_its_own_study_lost_is_unaccounted_for_and_named() -> None:
    world = World()
    world.land(landed("a"), landed("b"))
    world.ingest(refused={"b": "not_dicom"})
    world.files[S1, IMAGE_REJECTIONS] = replace(world.files[S1, IMAGE_REJECTIONS], outcomes=[])
    assert world.states() == {("a", "1"): "indexed", ("b", "1"): "unaccounted"}
    (difference,) = world.reconcile().differences
    assert difference.keys == ["b"]
    assert figures(difference.message) == [1]


def test_other_bytes_under_a_key_wait_for_their_study_and_leave_the_old_version_as_a_tombstone() -> None:
    world = World()
    world.land(landed("a"), report("a.txt"))
    world.ingest()
    world.decide()
    world.land(landed("a", etag="2"), report("a.txt"))
    assert world.states() == {("a", "2"): "pending", ("a", "1"): "superseded", ("a.txt", "1"): "indexed"}
    assert world.reconcile().differences == [], "work that waits is no difference"
    world.ingest()
    by_version = {e.etag: e for e in world.decide() if e.key == "a"}
    assert (by_version["2"].state, by_version["2"].sha256) == ("indexed", "sha of a 2")
    old = by_version["1"]
    assert (old.state, old.sha256, old.run) == ("superseded", "sha of a 1", "inventory 2")


def test_the_same_bytes_under_another_tag_leave_every_state_and_its_run_as_they_were() -> None:
    world = World()
    world.land(landed("a"), report("a.txt"), landed("odd", None, reason="unrecognised_object"))
    world.ingest()
    before = {e.key: (e.state, e.sha256, e.run) for e in world.decide()}
    for etag in ("2", "3"):
        retagged = [replace(landed("a", etag=etag), version="1"), replace(report("a.txt", etag=etag), version="1")]
        world.land(*retagged, landed("odd", None, reason="unrecognised_object"))
        entries = world.decide()
        assert {e.key: (e.state, e.sha256, e.run) for e in entries} == before
        assert {e.key: (e.etag, e.version) for e in entries if e.key != "odd"} == {"a": (etag, "1"), "a.txt": (etag, "1")}
        assert len(entries) == 3, "nothing is superseded"
        assert world.reconcile().differences == []
    world.land(landed("a", etag="4"), report("a.txt"))
    states = {("a", "4"): "pending", ("a", "3"): "superseded", ("a.txt", "1"): "indexed", ("odd", "1"): "deleted"}
    assert world.states() == states


def test_a_report_whose_study_id_came_to_be_shared_is_pending_and_its_images_are_not() -> None:
    world = World()
    world.land(landed("a"), report("a.txt"))
    world.ingest()
    world.decide()
    world.land(*(replace(item, is_study_shared=True) for item in (landed("a"), report("a.txt"))))
    assert world.states() == {("a", "1"): "indexed", ("a.txt", "1"): "pending"}
    world.ingest()
    assert world.states() == {("a", "1"): "indexed", ("a.txt", "1"): "indexed"}


def test_only_the_last_version_of_a_key_keeps_a_tombstone() -> None:
    world = World()
    for etag in ("1", "2", "3"):
        world.land(landed("a", etag=etag))
        states = world.states()
    assert states == {("a", "3"): "pending", ("a", "2"): "superseded"}
    world.land()
    assert world.states() == {("a", "3"): "deleted"}
    world.land(landed("a", etag="4"))
    assert world.states() == {("a", "4"): "pending", ("a", "3"): "deleted"}
    world.land(landed("a", etag="3"))
    assert world.states() == {("a", "3"): "pending", ("a", "4"): "superseded"}


def test_a_version_that_is_landed_again_is_not_gone() -> None:
    world = World()
    world.land(landed("a"))
    world.decide()
    world.land()
    assert world.states() == {("a", "1"): "deleted"}
    world.land(landed("a"))
    assert world.states() == {("a", "1"): "pending"}


def test_a_version_with_the_same_bytes_under_another_tag_supersedes_nothing_once_they_were_read() -> None:
    world = World()
    world.land(landed("a"))
    world.ingest()
    world.decide()
    world.land(landed("a", etag="2"))
    assert world.states()["a", "1"] == "superseded"
    world.ingest()
    used = world.files[S1, "dicom_metadata"].outcomes[0] | {"sha256": "sha of a 1"}
    world.files[S1, "dicom_metadata"] = replace(world.files[S1, "dicom_metadata"], outcomes=[used])
    assert world.states() == {("a", "2"): "indexed"}


def test_what_came_and_went_between_two_ledgers_leaves_the_tombstone_of_its_last_version() -> None:
    world = World()
    world.land(landed("a"), landed("b"), landed("c"))
    world.land(landed("a", etag="2"), landed("c"))
    assert world.states() == {("a", "2"): "pending", ("a", "1"): "superseded", ("b", "1"): "deleted", ("c", "1"): "pending"}
    for etag in ("3", "4"):
        world.land(landed("a", etag=etag), landed("c"))
    world.land(landed("a", etag="5"))
    assert world.states() == {("a", "5"): "pending", ("a", "4"): "superseded", ("b", "1"): "deleted", ("c", "1"): "deleted"}
    assert world.decide() == records_of(LedgerEntry, world.ledger)
    assert world.reconcile().differences == []
    assert totals_of(world.ledger).landed == 1


def test_a_version_that_came_back_or_only_got_another_tag_or_study_has_not_gone() -> None:
    world = World()
    world.land(landed("a"), landed("b"), landed("c"))
    world.land()
    world.land(landed("a"), landed("b"), landed("c"))
    world.land(landed("a", etag="2"), replace(landed("b", etag="2"), version="1"), landed("c", S2))
    world.land(landed("a"), replace(landed("b", etag="2"), version="1"), landed("c", S2))
    assert {(e.key, e.etag, e.study): e.state for e in world.decide()} == {
        ("a", "1", "s1"): "pending",
        ("a", "2", "s1"): "superseded",
        ("b", "2", "s1"): "pending",
        ("c", "1", "s2"): "pending",
    }


def test_a_tombstone_keeps_what_the_ledger_knew_of_a_version_that_the_journal_tells_of_too() -> None:
    world = World()
    world.land(landed("a"))
    world.ingest()
    world.decide()
    world.land(landed("a", etag="2"))
    world.land(landed("a"))
    world.land()
    (entry,) = world.decide()
    assert (entry.etag, entry.state, entry.sha256, entry.images) == ("1", "deleted", "sha of a 1", 1)


def test_a_deleted_object_keeps_what_is_known_of_it_and_its_study_goes_when_it_is_materialised() -> None:
    world = World()
    world.land(landed("a"), landed("b", S2))
    world.ingest(S1)
    world.ingest(S2)
    world.decide()
    world.land(landed("a"))
    gone = world.decide()[-1]
    assert (gone.key, gone.state, gone.sha256, gone.study, gone.run) == ("b", "deleted", "sha of b 1", "s2", "inventory 2")
    assert world.reconcile().differences == []
    world.ingest(S2)
    assert world.states() == {("a", "1"): "indexed", ("b", "1"): "deleted"}
    assert world.reconcile().differences == []


def test_documents_of_a_study_without_tables_are_named_by_the_study_where_nothing_of_it_is_landed() -> None:
    world = World()
    world.land(landed("a"))
    world.ingest()
    world.indexed[S2] = "documents of a study that went"
    world.decide()
    assert world.reconcile().keys == ["p2/s2"]


def test_a_state_that_the_inventory_decides_keeps_the_run_that_first_found_it() -> None:
    world = World()
    world.land(landed("a"), landed("b", None, reason="unrecognised_object"))
    first = world.decide()
    world.land(landed("a"), landed("b", None, reason="unrecognised_object"))
    assert world.decide() == first
    assert {e.run for e in first} == {"inventory 1"}


def test_a_document_missing_from_the_index_is_found_by_its_counts_alone() -> None:
    world = World()
    world.land(landed("a"), landed("b"), landed("c", S2))
    for study in (S1, S2):
        world.ingest(study)
    world.decide()
    health = IndexHealth(images=2, reports=0, studies=2)
    (difference,) = world.reconcile(health, {S1: Counts(images=1, reports=0)}).differences
    assert "medsearch reindex --fresh" in difference.message
    assert difference.keys == ["a", "b"]


def test_a_ledger_that_is_behind_the_inventory_is_told_by_key() -> None:
    world = World()
    world.land(landed("a"), landed("b"))
    world.decide()
    world.land(landed("a", etag="2"), landed("c"))
    assert unrecorded(world.inventory, world.ledger) == ["a", "b", "c"]
    assert world.reconcile().keys == ["a", "b", "c"]


KEYS = ("a", "b", "c.txt")


@st.composite
def landings(draw: st.DrawFn) -> list[LandedObject]:
    """Any objects under few keys, in few versions and studies, some of them refused by the inventory."""
    found = []
    for key in draw(st.sets(st.sampled_from(KEYS))):
        study = draw(st.sampled_from([S1, S2]))
        reason = draw(st.sampled_from([None, None, None, "empty_object", "unrecognised_object"]))
        kind = "report" if key.endswith(".txt") else "dicom"
        found.append(landed(key, study, draw(st.sampled_from("123")), kind, reason))
    return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("land"), landings()),
        st.tuples(st.just("materialise"), st.sampled_from([S1, S2]), st.sets(st.sampled_from(KEYS))),
        st.tuples(st.just("index"), st.sampled_from([S1, S2])),
        st.tuples(st.just("lose"), st.sampled_from([S1, S2]), st.sampled_from(list(COLUMNS))),
        st.tuples(st.just("forget"), st.sampled_from([S1, S2])),
        st.tuples(st.just("decide")),
    ),
    max_size=12,
)


def follow(world: World, step: tuple[Any, ...]) -> None:
    match step:
        case "land", objects:
            world.land(*objects)
        case "materialise", study, refused:
            world.materialise(study, dict.fromkeys(refused, "not_dicom"))
        case "index", study:
            world.index(study)
        case "lose", study, table:
            world.files.pop((study, table), None)
        case "forget", study:
            world.indexed.pop(study, None)
        case _:
            world.decide()


@settings(max_examples=examples(15), deadline=None)
@given(STEPS)
def test_whatever_happened_every_landed_key_has_one_current_row_the_totals_reconcile_and_nothing_changes_twice(
    steps: Any,
) -> None:
    world = World()
    for step in steps:
        follow(world, step)
    entries = world.decide()
    now, gone = [e for e in entries if e.state not in TOMBSTONES], [e for e in entries if e.state in TOMBSTONES]
    assert sorted((e.key, e.etag, e.bytes) for e in now) == sorted((o.key, o.etag, o.bytes) for o in world.objects.values())
    assert len({e.key for e in gone}) == len(gone)
    assert not {(e.key, e.etag) for e in now} & {(e.key, e.etag) for e in gone}
    assert {e.state for e in entries} <= STATES.keys()
    assert all((e.reason is not None) == (e.state in ("rejected", "excluded")) for e in entries)
    totals = totals_of(world.ledger)
    assert totals.landed == len(world.objects) == sum(totals.of(s).objects for s in STATES if s not in TOMBSTONES)
    for entry in now:
        if entry.state == "indexed":
            assert world.indexed[StudyKey(entry.patient or "", entry.study or "")]
            assert entry.sha256 == f"sha of {entry.key} {entry.etag}"
    assert world.decide() == entries
    assert unrecorded(world.inventory, world.ledger) == []
