"""Connections: pages that follow each other without gap or overlap, and cursors that lead nowhere else."""

from __future__ import annotations

import base64
import shutil

import pytest

from medsearch_api.app import create_app
from medsearch_api.backends.context import Backends, open_backends
from medsearch_core.search.embedded.index import open_embedded
from tests.support.api_client import Ask, asking, code_of, local_client, settings_of
from tests.support.hospital import Mention, StudyOf, fill

PATIENTS, PER_STUDY = 6, 3
IMAGES = PATIENTS * PER_STUDY
PAGE = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }"

CONNECTIONS = {
    "searchReports": ('searchReports(query: "effusion"', PATIENTS),
    "all reports": ("searchReports(", PATIENTS),
    "similarImages": ('similarImages(imageId: "0.1"', IMAGES - 1),
    "similarImages, k": ('similarImages(imageId: "0.1", k: 7', 7),
    "similarImages, vector": ("similarImages(vector: [1, 2]", IMAGES),
    "hybridSearch": ('hybridSearch(query: "effusion", imageId: "0.1"', IMAGES - 1),
    "reportsLike": ('reportsLike(reportId: "s0"', PATIENTS - 1),
}
NESTED = {
    "Report.images": 'report(id: "s0") { images(',
    "Study.images": 'study(patient: "p0", study: "s0") { images(',
    "Patient.images": 'patient(patient: "p0") { images(',
}


def ward() -> list[StudyOf]:
    """Six patients with one study of three images each."""
    return [
        StudyOf(
            patient=f"p{n}",
            study=f"s{n}",
            images={f"{n}.{i}": ("PA", [1.0, n + i / 10]) for i in range(1, PER_STUDY + 1)},
            sections={"findings": "pleural effusion " * (n % 3 + 1), "impression": "Effusion."},
            mentions=[Mention(words="pleural effusion", code="J90", assertion="present")],
        )
        for n in range(PATIENTS)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A filled folder, which no test may change."""
    folder = tmp_path_factory.mktemp("ward")
    fill(folder, ward())
    return folder


@pytest.fixture(scope="module")
def ask(folder) -> Ask:
    return asking(local_client(create_app(settings_of(folder))))


@pytest.fixture
def changing(folder, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(folder, tmp_path / "ward")


def page(ask: Ask, field: str, first: int, after: str | None = None, of: str = PAGE) -> dict:
    """One page of a connection whose arguments are not closed."""
    parents = field.count("{") - field.count("}")
    query = f"query ($n: Int!, $c: String) {{ {field} first: $n, after: $c) {{ {of} }} {'}' * parents} }}"
    answer = ask(query, n=first, c=after)
    return answer if "errors" in answer else next(iter(_within(answer["data"], parents).values()))


def _within(data: dict, levels: int) -> dict:
    return data if not levels else _within(next(iter(data.values())), levels - 1)


@pytest.mark.parametrize("name", [*CONNECTIONS, *NESTED])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_follow_each_other_to_the_end(ask, name, size):
    field, due = CONNECTIONS.get(name) or (NESTED[name], PER_STUDY)
    whole = [edge["node"]["id"] for edge in page(ask, field, 200)["edges"]]
    assert len(whole) == len(set(whole)) == due
    found: list[str] = []
    after = None
    while True:
        got = page(ask, field, size, after)
        found += [edge["node"]["id"] for edge in got["edges"]]
        where = got["pageInfo"]
        assert where["hasPreviousPage"] == (after is not None)
        assert [where["startCursor"], where["endCursor"]] == [got["edges"][0]["cursor"], got["edges"][-1]["cursor"]]
        after = where["endCursor"]
        if not where["hasNextPage"]:
            break
    assert found == whole


def test_ranks_go_on_from_page_to_page(ask):
    field = 'similarImages(imageId: "0.1"'
    of = "edges { rank cursor }"
    first = page(ask, field, 3, None, of)["edges"]
    then = page(ask, field, 3, first[-1]["cursor"], of)["edges"]
    assert [edge["rank"] for edge in [*first, *then]] == [1, 2, 3, 4, 5, 6]


def test_a_page_of_none_tells_the_total_alone(ask):
    got = page(ask, "searchReports(", 0)
    assert (got["totalCount"], got["edges"]) == (PATIENTS, [])
    assert got["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


def test_behind_the_last_edge_there_is_nothing(ask):
    field = 'similarImages(imageId: "0.1", k: 2'
    last = page(ask, field, 2)["pageInfo"]["endCursor"]
    got = page(ask, field, 2, last)
    assert (got["edges"], got["pageInfo"]["hasNextPage"]) == ([], False)


def test_cursors_are_the_same_whenever_the_same_is_asked(folder, ask):
    field = 'searchReports(query: "effusion", filters: {patients: ["p1", "p2", "p3"]}'
    cursors = [edge["cursor"] for edge in page(ask, field, 2)["edges"]]
    other = asking(local_client(create_app(settings_of(folder))))
    reordered = 'searchReports(filters: {patients: ["p3", "p1", "p2"]}, query: "effusion"'
    assert [edge["cursor"] for edge in page(other, reordered, 3)["edges"]][:2] == cursors
    assert len(page(ask, field, 2, cursors[0])["edges"]) == 2


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ('searchReports(query: "effusion"', 'searchReports(query: "pneumonia"'),
        ('searchReports(query: "effusion"', 'searchReports(query: "effusion", fields: [REPORT]'),
        ('searchReports(query: "effusion"', 'searchReports(query: "effusion", filters: {sexes: [MALE]}'),
        ('searchReports(query: "effusion"', 'reportsLike(reportId: "s0"'),
        ('similarImages(imageId: "0.1"', 'similarImages(imageId: "0.2"'),
        ('similarImages(imageId: "0.1"', 'similarImages(imageId: "0.1", k: 50'),
        ('similarImages(imageId: "0.1"', 'similarImages(imageId: "0.1", exclude: PATIENT'),
        ("similarImages(vector: [1, 2]", "similarImages(vector: [1, 2.5]"),
        ('hybridSearch(imageId: "0.1", query: "effusion"', 'hybridSearch(imageId: "0.1", query: "lung"'),
        (NESTED["Report.images"], 'report(id: "s1") { images('),
        (NESTED["Report.images"], NESTED["Study.images"]),
        (NESTED["Patient.images"], 'patient(patient: "p1") { images('),
    ],
)
def test_a_cursor_of_another_question_is_refused(ask, field, other):
    cursor = page(ask, field, 1)["pageInfo"]["endCursor"]
    answer = page(ask, other, 1, cursor)
    assert code_of(answer) == "BAD_USER_INPUT"
    assert answer["errors"][0]["message"].startswith("after ")


def test_a_cursor_of_an_earlier_release_is_refused_and_good_again_with_it(changing):
    ask = asking(local_client(create_app(settings_of(changing))))
    fields = [field for field, _ in CONNECTIONS.values()] + list(NESTED.values())
    before = {field: page(ask, field, 2) for field in fields}
    index = open_embedded(str(changing / "index"))
    first_release = index.current()
    assert first_release
    index.publish(index.begin(None))
    fill(changing, ward())
    for field in fields:
        answer = page(ask, field, 2, before[field]["pageInfo"]["startCursor"])
        assert code_of(answer) == "STALE_CURSOR"
        assert answer["errors"][0]["message"].endswith("without after.")
    index.publish(first_release)
    for field in fields:
        again = page(ask, field, 1, before[field]["pageInfo"]["startCursor"])
        assert again["edges"][0] == before[field]["edges"][1]


def test_cursors_hold_no_data(ask):
    got = page(ask, 'searchReports(query: "effusion", filters: {patients: ["p1"]}', 1)
    cursor = got["pageInfo"]["endCursor"]
    assert len(cursor) == 28
    assert base64.urlsafe_b64decode(cursor)[5:].count(b"p1") == 0


def test_a_release_that_changes_while_it_is_asked_is_not_mixed_with_another(changing):
    class Republished:
        """An index whose release is replaced at the first search."""

        def __init__(self, index):
            self._index = index

        def __getattr__(self, name):
            return getattr(self._index, name)

        def text(self, *args):
            found = self._index.text(*args)
            self._index.publish(self._index.begin(None))
            return found

    def opened(settings):
        backends = open_backends(settings)
        return Backends(Republished(backends.index), backends.warehouse)

    ask = asking(local_client(create_app(settings_of(changing), opened)))
    answer = ask("{ searchReports { totalCount } }")
    assert (answer["data"], code_of(answer)) == (None, "UNAVAILABLE")


def test_pages_end_where_the_index_gives_no_more(tmp_path):
    fill(
        tmp_path, [StudyOf(patient="p", study="s", images={f"1.{n}": ("PA", [1.0, n / 100]) for n in range(130)}, sections={})]
    )
    ask = asking(local_client(create_app(settings_of(tmp_path))))
    got = page(ask, 'hybridSearch(imageId: "1.0", query: "lung"', 90)
    assert (got["totalCount"], len(got["edges"]), got["pageInfo"]["hasNextPage"]) == (129, 90, True)
    rest = page(ask, 'hybridSearch(imageId: "1.0", query: "lung"', 90, got["pageInfo"]["endCursor"])
    assert (len(rest["edges"]), rest["pageInfo"]["hasNextPage"]) == (10, False)


def test_releases_and_models_are_told(changing):
    ask = asking(local_client(create_app(settings_of(changing))))
    index = open_embedded(str(changing / "index"))
    empty = index.begin(None)
    query = """{ index { release schemaVersion } modelVersions { modelId modelVersion dimensions isCurrent
        releases { name isCurrent schemaVersion published images reports studies } } }"""
    data = ask(query)["data"]
    (model,) = data["modelVersions"]
    (release,) = model.pop("releases")
    assert model == {"modelId": "densenet121-imagenet", "modelVersion": "abc-1", "dimensions": 2, "isCurrent": True}
    assert release.pop("published") is not None
    assert release == {
        "name": index.current(), "isCurrent": True, "schemaVersion": data["index"]["schemaVersion"],
        "images": IMAGES, "reports": PATIENTS, "studies": PATIENTS,
    }  # fmt: skip
    index.publish(empty)
    (model,) = ask(query)["data"]["modelVersions"]
    assert not model["isCurrent"]
