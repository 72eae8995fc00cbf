"""However many hits, each backend is asked a constant number of times."""

from __future__ import annotations

from collections import Counter

import pytest

from medsearch_api.app import create_app
from medsearch_api.backends.context import Backends, open_backends
from medsearch_api.backends.tables import StudyTables
from medsearch_core.search.embedded.index import EmbeddedIndex
from tests.support.api_client import asking, local_client, settings_of
from tests.support.hospital import Mention, StudyOf, fill

EVERYTHING = """{ searchReports(first: 100) { totalCount edges { provenance { release materialisations { asset } } node {
    id comparison entities { text } images(first: 5) { nodes { id provenance { nerVersion materialisations { asset } }
    detail { rows } report { id } } }
} } } }"""
LIKENESS = """{ similarImages(imageId: "1.1", first: 100) { totalCount edges { provenance { nerVersion release }
    node { id report { id images(first: 5) { nodes { id } } } } } } }"""


def ward(patients):
    """So many patients with one study of two images each."""
    return [
        StudyOf(
            patient=f"p{n}",
            study=f"s{n}",
            images={f"{n}.1": ("PA", [1.0, float(n)]), f"{n}.2": ("LATERAL", [float(n), 1.0])},
            sections={"findings": "pleural effusion", "impression": "Effusion."},
            mentions=[Mention(words="pleural effusion", code="J90", assertion="present")],
        )
        for n in range(patients)
    ]


def counted(monkeypatch, calls, cls, names):
    for name in names:
        real = getattr(cls, name)

        def counting(self, *args, _real=real, _name=name, **kwargs):
            calls[_name] += 1
            return _real(self, *args, **kwargs)

        monkeypatch.setattr(cls, name, counting)


@pytest.mark.parametrize("patients", [2, 100])
def test_calls_do_not_grow_with_hits(tmp_path, monkeypatch, patients):
    fill(tmp_path, ward(patients), side=8)
    calls: Counter[str] = Counter()
    asked = [
        "images",
        "reports",
        "images_of_reports",
        "text",
        "similar",
        "vectors",
        "count",
        "health",
        "list_images",
        "current",
    ]
    counted(monkeypatch, calls, EmbeddedIndex, asked)
    counted(monkeypatch, calls, StudyTables, ["_rows", "runs"])
    ask = asking(local_client(create_app(settings_of(tmp_path))))
    found = ask(EVERYTHING)["data"]["searchReports"]["edges"]
    assert len(found) == patients
    for edge in found:
        assert [i["report"]["id"] for i in edge["node"]["images"]["nodes"]] == [edge["node"]["id"]] * 2
    assert calls == {"text": 1, "images_of_reports": 1, "reports": 1, "_rows": 3, "runs": 2, "current": 2}
    calls.clear()
    like = ask(LIKENESS)["data"]["similarImages"]
    assert len(like["edges"]) == min(2 * patients - 1, 100)
    assert like["totalCount"] == 2 * patients - 1
    assert calls == {"vectors": 1, "similar": 1, "count": 1, "reports": 1, "images_of_reports": 1, "current": 2}


def test_an_object_asked_for_twice_is_loaded_once(hospital):
    asked = []

    class Watching:
        def __init__(self, index):
            self._index = index

        def __getattr__(self, name):
            return getattr(self._index, name)

        def images(self, ids):
            asked.append(list(ids))
            return self._index.images(ids)

    def opened(settings):
        backends = open_backends(settings)
        return Backends(Watching(backends.index), backends.warehouse)

    ask = asking(local_client(create_app(settings_of(hospital), opened)))
    ask('{ a: image(id: "1.1") { id } b: image(id: "1.1") { id } c: image(id: "2.1") { id } }')
    assert asked == [["1.1", "2.1"]]
    ask('{ image(id: "1.1") { id } }')
    assert asked == [["1.1", "2.1"], ["1.1"]]
