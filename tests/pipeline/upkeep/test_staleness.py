"""Which studies are stale and why, and the smallest job for each: every reason, in a world in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import CatalogFile
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.storage.warehouse import present_version
from medsearch_pipeline.jobs import UPKEEP_JOBS
from medsearch_pipeline.ledger.catalog import COLUMNS, IMAGE_REJECTIONS, REPORT_REJECTIONS
from medsearch_pipeline.ledger.states import InputsDigest
from medsearch_pipeline.upkeep.planning import PlanCursor, PlannedRun, explain_unplanned, format_summary, plan_runs
from medsearch_pipeline.upkeep.staleness import Part, Staleness, StalenessInputs, StaleStudy, determine_staleness
from tests.support.ledger_fixtures import S1, S2, World, inputs_of, landed, report
from tests.support.sentences import figures

NET, OLD = ("net", "1"), ("net", "0")


def vectors_of(model_id: str, model_version: str, thumbnails: str) -> str:
    return thumbnails if (model_id, model_version) == NET else digest_of(model_id, model_version, thumbnails)


def other_rules(versions: Any) -> str:
    return digest_of("other rules", *sorted(versions))


def judged(world: World, images: InputsDigest = inputs_of, reports: InputsDigest = inputs_of, **given: Any) -> Staleness:
    world.decide()
    standing: dict[str, Any] = {
        "inventory": world.inventory,
        "catalog": world.catalogue,
        "ledger": world.ledger,
        "indexed": world.indexed,
        "index_model": NET,
        "index_release": None,
        "model": NET,
        "models": [NET, OLD],
    }
    return determine_staleness(StalenessInputs(**(standing | given)), images, reports, vectors_of)


def why(found: Staleness, study: StudyKey = S1) -> tuple[Mapping[Part, str], str | None]:
    """The reasons and the job of a study that is stale while the other is not."""
    assert {each.study for each in found.stale} == {study}
    assert set(found.current) == {S1, S2} - {study}
    return found.stale[0].reasons, found.stale[0].job


@pytest.fixture
def world() -> World:
    """Two studies with an image and a report each, ingested and accounted for."""
    world = World()
    world.land(landed("a"), report("a.txt"), landed("b", S2), report("b.txt", S2))
    for study in (S1, S2):
        world.ingest(study)
    world.decide()
    return world


def remove(world: World, *tables: str) -> None:
    for table in tables:
        del world.files[S1, table]


def test_a_world_that_was_ingested_has_nothing_stale(world: World) -> None:
    found = judged(world)
    assert (found.stale, set(found.current), found.by_reason) == ([], {S1, S2}, {})
    assert figures(format_summary(found)) == [2]


def test_a_study_without_files_was_never_ingested(world: World) -> None:
    remove(world, *(table for table in COLUMNS if table != "tags"))
    assert why(judged(world)) == ({"images": "never ingested", "reports": "never ingested"}, "ingest_job")


@pytest.mark.parametrize(
    "objects",
    [
        pytest.param([landed("a", etag="2"), report("a.txt")], id="replaced"),
        pytest.param([landed("a"), landed("a2"), report("a.txt")], id="came"),
        pytest.param([report("a.txt")], id="went"),
    ],
)
def test_other_landed_images_are_ingested(world: World, objects: list[Any]) -> None:
    world.land(*objects, landed("b", S2), report("b.txt", S2))
    assert why(judged(world)) == ({"images": "landed objects changed"}, "ingest_job")
    world.ingest(S1)
    assert judged(world).stale == []


def test_another_report_makes_only_the_reports_stale(world: World) -> None:
    world.land(landed("a"), report("a.txt", etag="2"), landed("b", S2), report("b.txt", S2))
    assert why(judged(world)) == ({"reports": "landed objects changed"}, "reports_job")


def test_a_study_that_is_no_longer_landed_is_ingested_once_more_and_then_current(world: World) -> None:
    world.land(landed("b", S2), report("b.txt", S2))
    changed = {"images": "landed objects changed", "reports": "landed objects changed"}
    assert why(judged(world)) == (changed, "ingest_job")
    world.ingest(S1)
    assert judged(world).stale == []


def test_other_settings_of_the_reader_are_told_from_other_objects(world: World) -> None:
    found = judged(world, images=other_rules)
    assert found.by_reason == {("images", "other reader or setting"): 2}
    assert found.by_reason_and_job == {("images", "other reader or setting", "ingest_job"): 2}
    world.land(landed("a", etag="2"), report("a.txt"), landed("b", S2), report("b.txt", S2))
    found = judged(world, images=other_rules)
    assert [each.reasons["images"] for each in found.stale] == ["landed objects changed", "other reader or setting"]
    world.ingest(S1)
    assert judged(world, images=other_rules).by_reason == {("images", "other reader or setting"): 2}, (
        "it was ingested meanwhile"
    )


def test_other_rules_make_only_reports_stale(world: World) -> None:
    found = judged(world, reports=other_rules)
    assert found.by_reason_and_job == {("reports", "other reader or setting", "reports_job"): 2}


def test_vectors_that_no_run_has_made_are_no_damaged_file(world: World) -> None:
    remove(world, "embeddings")
    world.indexed.pop(S1)
    assert why(judged(world)) == ({"vectors": "never made"}, "reembed_job")


@pytest.mark.parametrize(
    ("table", "reasons", "job"),
    [
        ("dicom_metadata", {"images": "file missing or damaged"}, "ingest_job"),
        ("thumbnails", {"images": "file missing or damaged"}, "ingest_job"),
        (IMAGE_REJECTIONS, {"images": "file missing or damaged"}, "ingest_job"),
        ("embeddings", {"vectors": "file missing or damaged"}, "reembed_job"),
        ("report_entities", {"reports": "file missing or damaged"}, "reports_job"),
        (REPORT_REJECTIONS, {"reports": "file missing or damaged"}, "reports_job"),
    ],
)
def test_a_missing_file_is_made_again_by_the_smallest_job(
    world: World, table: str, reasons: Mapping[str, str], job: str
) -> None:
    remove(world, table)
    assert why(judged(world)) == (reasons, job)


@pytest.mark.parametrize(
    ("table", "part", "job"),
    [
        ("dicom_metadata", "metadata", "metadata_job"),
        ("thumbnails", "images", "ingest_job"),
        (IMAGE_REJECTIONS, "images", "ingest_job"),
        ("embeddings", "vectors", "reembed_job"),
        ("reports", "reports", "reports_job"),
        ("report_entities", "reports", "reports_job"),
        (REPORT_REJECTIONS, "reports", "reports_job"),
    ],
)
def test_a_file_of_an_older_version_is_made_again_by_the_smallest_job(world: World, table: str, part: str, job: str) -> None:
    world.files[S1, table] = replace(world.files[S1, table], version=present_version(table) - 1)
    assert why(judged(world)) == ({part: "of an older version"}, job)
    world.files[S1, table] = replace(world.files[S1, table], version=present_version(table) + 1)
    world.index(S1)
    assert judged(world).stale == [], "a later version, of code that was taken back, is as good"


def test_old_metadata_beside_other_reports_takes_the_whole_ingestion(world: World) -> None:
    remove(world, "reports")
    world.files[S1, "dicom_metadata"] = replace(world.files[S1, "dicom_metadata"], version=1)
    assert why(judged(world)) == ({"metadata": "of an older version", "reports": "file missing or damaged"}, "ingest_job")


def test_vectors_and_reports_together_take_the_whole_ingestion(world: World) -> None:
    remove(world, "embeddings", "reports")
    assert why(judged(world))[1] == "ingest_job"


def test_another_model_makes_exactly_the_vectors_stale(world: World) -> None:
    found = judged(world, model=OLD)
    assert found.by_reason_and_job == {("vectors", "other model", "reembed_job"): 2}
    assert judged(world, model=None).by_reason == found.by_reason, "a model that has not embedded yet is another one"


def test_vectors_that_a_failed_run_left_behind_are_told_from_another_models(world: World) -> None:
    world.files[S1, "embeddings"] = replace(world.files[S1, "embeddings"], inputs=inputs_of(["earlier"]))
    assert why(judged(world)) == ({"vectors": "behind its images"}, "reembed_job")
    thumbnails = world.files[S1, "thumbnails"].inputs or ""
    world.files[S1, "embeddings"] = replace(world.files[S1, "embeddings"], inputs=vectors_of(*OLD, thumbnails))
    assert why(judged(world)) == ({"vectors": "other model"}, "reembed_job")


def test_an_index_that_lacks_a_study_or_is_behind_is_written_again(world: World) -> None:
    held = world.indexed.pop(S1)
    assert why(judged(world)) == ({"documents": "not in the index"}, "reindex_job")
    world.indexed[S1] = "of earlier tables"
    assert why(judged(world)) == ({"documents": "index behind"}, "reindex_job")
    world.indexed[S1] = held
    tag = CatalogFile(
        patient=S1.patient, study=S1.study, table_name="tags", etag="e", inputs="t", run=None, rows=1, outcomes=[]
    )
    world.files[S1, "tags"] = tag
    assert why(judged(world)) == ({"documents": "index behind"}, "reindex_job")
    world.files[S1, "tags"] = replace(tag, inputs=None)
    assert why(judged(world)) == ({"documents": "file missing or damaged"}, None), "a person has to look"


def test_an_index_of_an_older_schema_waits_for_a_release(world: World) -> None:
    world.indexed[S1] = "of an earlier schema"
    older = f"v{INDEX_SCHEMA_VERSION - 1}-net"
    assert why(judged(world, index_release=older)) == ({"documents": "index of an older schema"}, None)
    assert why(judged(world, index_release=f"v{INDEX_SCHEMA_VERSION}-net")) == ({"documents": "index behind"}, "reindex_job")


def test_an_index_of_another_model_waits_for_a_release(world: World) -> None:
    world.indexed[S1] = "of earlier tables"
    assert why(judged(world, index_model=OLD)) == ({"documents": "index of another model"}, None)


def studies(*numbers: int) -> list[StudyKey]:
    return [StudyKey("p1", f"s{number}") for number in numbers]


def planned(stale: Mapping[int, dict[Any, str]], total: int, **given: Any) -> list[PlannedRun]:
    """The requests for stale studies, by place in the list of partitions, of so many."""
    found = Staleness(
        [StaleStudy(studies(n)[0], reasons) for n, reasons in stale.items()],
        set(studies(*(n for n in range(total) if n not in stale))),
    )
    arguments: dict[str, Any] = {"max_partitions": 100, "may_index": True, "in_flight": []} | given
    return list(plan_runs(found, [s.partition for s in studies(*range(total))], **arguments))


def spans(found: list[PlannedRun]) -> list[tuple[str, str, str, int, int]]:
    return [(r.job, r.start.split("/")[1], r.end.split("/")[1], r.partitions, r.studies) for r in found]


MODEL, REPORTS = {"vectors": "other model"}, {"reports": "landed objects changed"}


def test_runs_hold_exactly_the_stale_studies_and_pass_only_along_current_ones() -> None:
    assert spans(planned({1: MODEL, 2: MODEL, 5: MODEL}, 8)) == [("reembed_job", "s1", "s5", 5, 3)]
    assert spans(planned({1: MODEL, 3: REPORTS, 5: MODEL}, 8)) == [
        ("reembed_job", "s1", "s1", 1, 1),
        ("reembed_job", "s5", "s5", 1, 1),
        ("reports_job", "s3", "s3", 1, 1),
    ]
    assert spans(planned({1: MODEL, 40: MODEL}, 50)) == [("reembed_job", f"s{n}", f"s{n}", 1, 1) for n in (1, 40)]
    assert [r.partitions for r in planned(dict.fromkeys(range(250), MODEL), 250)] == [100, 100, 50]


def test_what_a_run_already_works_on_is_left_out() -> None:
    in_flight = [("p1/s2", "p1/s4")]
    found = planned(dict.fromkeys(range(8), MODEL), 8, in_flight=in_flight)
    assert spans(found) == [("reembed_job", "s0", "s1", 2, 2), ("reembed_job", "s5", "s7", 3, 3)]


def test_every_stale_study_without_a_planned_run_has_one_reason() -> None:
    stale: dict[int, dict[Any, str]] = dict.fromkeys(range(9), MODEL)
    stale |= {9: {"documents": "index behind"}, 10: {"documents": "index of another model"}}
    found = Staleness([StaleStudy(studies(n)[0], reasons) for n, reasons in stale.items()], set())
    keys = [study.partition for study in studies(*range(11)) if study.study != "s8"]
    given: dict[str, Any] = {
        "pending": studies(1),
        "running": {"aaaaaaaa-1": ("p1/s1", "p1/s2"), "bbbbbbbb-2": ("p1/s3", "p1/s3")},
        "ended": {"cccccccc-3": ("p1/s3", "p1/s4")},
        "may_index": False,
    }
    phrases = explain_unplanned(found, keys, **given)
    assert [figures(phrase) for phrase in phrases] == [[1], [2], [1], [1], [1], [1]]
    named = ("ingest_sensor", "aaaaaaaa, bbbbbbbb", "cccccccc", "inventory_job", "medsearch reindex", "medsearch stale")
    assert [name in phrase for name, phrase in zip(named, phrases, strict=True)] == [True] * 6
    in_flight = [*given["running"].values(), *given["ended"].values(), ("p1/s1", "p1/s1")]
    runs = list(plan_runs(found, keys, in_flight, max_partitions=100, may_index=False))
    assert sum(each.studies for each in runs) + 1 + 2 + 1 + 1 + 1 + 1 == len(found.stale), "nobody is unexplained"
    many = {f"{n}{n}{n}{n}{n}{n}{n}{n}-x": (f"p1/s{n}", f"p1/s{n}") for n in range(5)}
    nothing: dict[str, Any] = {"pending": (), "ended": {}, "may_index": True}
    phrase = explain_unplanned(found, keys, running=many, **nothing)[0]
    assert (figures(phrase)[0], figures(phrase)[-1], "00000000, 11111111, 22222222" in phrase) == (5, 2, True)


def test_requests_go_on_where_they_stopped() -> None:
    stale = dict.fromkeys(range(0, 60, 2), MODEL) | {61: REPORTS}
    every = planned(stale, 62, max_partitions=10)
    for n, each in enumerate(every):
        assert planned(stale, 62, max_partitions=10, after=PlanCursor(each.job, each.last)) == every[n + 1 :]


def test_runs_leave_the_index_out_while_it_is_of_another_model() -> None:
    assert [r.assets for r in planned({1: MODEL}, 3, may_index=False)] == [["embeddings"]]
    assert planned({1: {"documents": "index behind"}}, 3, may_index=False) == []
    assert [r.assets for r in planned({1: MODEL}, 3)] == [list(UPKEEP_JOBS["reembed_job"])]
