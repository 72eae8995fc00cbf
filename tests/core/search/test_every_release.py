"""Releases: built beside the current one, published, rolled back and retired."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from medsearch_core.errors import IndexMismatch, NoSuchRelease
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.model import Model
from medsearch_core.search.releases import ReleasedIndex, previous, schema_version_of, superseded
from tests.core.search.index_places import open_at
from tests.core.search.index_processes import finish, generation, start
from tests.core.search.search_documents import image, report, study_of

A = StudyKey("p1", "s1")
TINY, LARGE = Model("tiny", "1", 2), Model("large", "1", 3)


def of_large(name: str) -> StudyDocuments:
    """A study with an image of the large model."""
    key = StudyKey("p1", name)
    large = image(key, model_id=LARGE.model_id, model_version=LARGE.model_version, vector=[0.0, 0.0, 1.0])
    return StudyDocuments(study=key, images=[large], reports=[report(key, findings="edema")], inputs="large")


def names(index: SearchIndex) -> list[str]:
    """The studies that every kind of query finds."""
    found = sorted(key.study for key in index.studies())
    assert sorted(h.document.study for h in index.text("", limit=100).hits) == found
    dimensions = index.health().dimensions
    assert dimensions is None or sorted({h.document.study for h in index.similar([1.0] * dimensions, 500)}) == found
    return found


def test_the_first_write_makes_the_first_release(index: ReleasedIndex) -> None:
    assert index.upsert([StudyDocuments(study=A, inputs="a")]) == 0
    index.delete([A])
    index.compact()
    assert (list(index.releases()), index.health().release, index.current()) == ([], None, None)
    before = datetime.now(UTC) - timedelta(seconds=2)
    index.upsert([study_of("s1")])
    (release,) = index.releases()
    assert release.is_current
    assert index.health().release == index.current() == release.name
    assert schema_version_of(release.name) == INDEX_SCHEMA_VERSION
    assert schema_version_of("unnamed") is None
    assert release.published is not None
    assert before <= release.created <= release.published + timedelta(seconds=2)
    index.upsert([study_of("s2")])
    assert [r.name for r in index.releases()] == [release.name]
    with pytest.raises(NoSuchRelease):
        previous(index.releases())


def test_a_release_is_unseen_until_it_is_published_and_can_be_taken_back(place: str) -> None:
    index, reader = open_at(place), open_at(place)
    index.upsert([study_of("s1"), study_of("s2")])
    (first,) = index.releases()
    second = index.begin(LARGE)
    assert names(reader) == ["s1", "s2"]
    assert open_at(place).release(second).upsert([of_large("s3")]) == 1
    index.finish(second)
    assert names(reader) == ["s1", "s2"]
    assert (names(index.release(second)), index.release(second).health().release) == (["s3"], second)
    assert [(r.name, r.is_current, r.published is not None) for r in reader.releases()] == [
        (second, False, False), (first.name, True, True),
    ]  # fmt: skip
    index.publish(second)
    for any_of_them in (index, reader, open_at(place)):
        assert names(any_of_them) == ["s3"]
        health = any_of_them.health()
        assert (health.release, health.model_id, health.dimensions) == (second, "large", 3)
        assert [(r.name, r.is_current, r.published is not None) for r in any_of_them.releases()] == [
            (second, True, True), (first.name, False, True),
        ]  # fmt: skip
    assert names(index.release(first.name)) == ["s1", "s2"]
    index.publish(previous(index.releases()).name)
    assert names(reader) == ["s1", "s2"]
    assert previous(reader.releases()).name == second


def test_writes_go_to_the_release_that_is_current(place: str) -> None:
    index, other = open_at(place), open_at(place)
    index.upsert([study_of("s1")])
    (first,) = index.releases()
    second = index.begin(LARGE)
    index.release(second).upsert([of_large("s1")])
    other.upsert([study_of("s2")])
    with pytest.raises(IndexMismatch):
        index.release(second).upsert([study_of("s2")])
    with pytest.raises(IndexMismatch):
        other.upsert([of_large("s3")])
    index.finish(second)
    index.publish(second)
    other.upsert([of_large("s3")])
    other.delete([A])
    other.compact()
    assert (names(index), names(index.release(first.name))) == (["s3"], ["s1", "s2"])


def test_a_release_is_caught_up_before_it_is_put_in_place(place: str) -> None:
    index, reader = open_at(place), open_at(place)
    index.upsert([study_of("s1"), study_of("s2")])
    name = index.begin(TINY)
    index.release(name).upsert([study_of("s1")])
    index.finish(name)

    def fail(release: SearchIndex) -> None:
        release.upsert([study_of("s2")])
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        index.publish(name, fail)
    assert index.health().release != name
    assert open_at(place).upsert([study_of("s4")]) == 1

    def catch_up(release: SearchIndex) -> None:
        release.upsert([study_of("s2"), study_of("s4", findings="caught")])
        index.release(name).upsert([study_of("s5")])
        assert names(reader) == ["s1", "s2", "s4"]

    index.publish(name, catch_up)
    assert names(reader) == ["s1", "s2", "s4", "s5"]
    assert reader.text("caught").total == 1


def test_nothing_written_while_a_release_is_put_in_place_is_lost(place: str) -> None:
    index, writer = open_at(place), start("load", place, 30, 1)

    def catch_up(release: SearchIndex) -> None:
        release.upsert([generation(key.study, 1) for key in index.studies()])
        time.sleep(0.1)

    published = 0
    while writer.poll() is None or not published:
        if index.studies():
            index.publish(index.begin(TINY), catch_up)
            published += 1
    finish(writer)
    assert names(index) == sorted(f"s{n}" for n in range(30))


def test_a_study_written_twice_to_a_release_being_built_is_there_once(place: str) -> None:
    index = open_at(place)
    index.upsert([study_of("s9")])
    name = index.begin(TINY)
    index.release(name).upsert([study_of("s1", images=3), study_of("s2")])
    index.release(name).upsert([study_of("s1", images=1, inputs="b")])
    open_at(place).release(name).delete([StudyKey("p1", "s2")])
    index.finish(name)
    assert (index.release(name).count().images, names(index.release(name))) == (1, ["s1"])


def test_an_empty_release_may_be_put_in_place(place: str) -> None:
    index, reader = open_at(place), open_at(place)
    index.publish(index.begin(None))
    assert names(reader) == []
    assert reader.health().release == index.releases()[0].name
    reader.upsert([study_of("s1")])
    assert (names(index), len(index.releases())) == (["s1"], 1)


def test_a_release_is_discarded_unless_it_is_current(place: str) -> None:
    index, other = open_at(place), open_at(place)
    index.upsert([study_of("s1")])
    (first,) = index.releases()
    second = index.begin(TINY)
    index.release(second).upsert([study_of("s2")])
    with pytest.raises(NoSuchRelease):
        other.discard(first.name)
    other.discard(second)
    assert [r.name for r in index.releases()] == [first.name]
    third = index.begin(TINY)
    index.publish(third)
    other.discard(first.name)
    assert ([r.name for r in index.releases()], names(index)) == ([third], [])


@pytest.mark.parametrize(
    "name", ["nowhere", "", ".", "..", "../index", "/", "*", "_all", "A", "v2-x/../v2-x", "current", "\0", "x\n"]
)
def test_a_release_that_is_not_there_is_refused(index: ReleasedIndex, name: str) -> None:
    for _ in range(2):
        for call in (index.release, index.finish, index.publish, index.discard):
            with pytest.raises(NoSuchRelease):
                call(name)
        index.upsert([study_of("s1")])
    assert names(index) == ["s1"]


def test_old_releases_are_counted_out_and_unpublished_ones_are_left(index: ReleasedIndex) -> None:
    made = [index.begin(TINY) for _ in range(4)]
    for name in made[:3]:
        index.publish(name)
    releases = index.releases()
    assert {r.name for r in releases} == set(made)
    assert [r.name for r in superseded(releases, 2)] == [made[0]]
    assert [r.name for r in superseded(releases, 0)] == [made[1], made[0]]
    assert superseded(releases, 3) == []
    for release in superseded(releases, 1):
        index.discard(release.name)
    assert {r.name for r in index.releases()} == {made[2], made[3]}
