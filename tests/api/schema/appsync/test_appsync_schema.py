"""The AppSync API's schema, letter for letter the sample's; where it is served; what a page of it costs."""

from __future__ import annotations

from collections import Counter

import pytest
from graphql import GraphQLObjectType
from graphql import build_schema as parsed

from medsearch_api.app import create_app
from medsearch_api.backends.context import Backends, open_backends
from medsearch_api.schema.export import EXPORTED_APPSYNC, appsync_text
from tests.support.api_client import asking, code_of, local_client, settings_of
from tests.support.appsync_client import ROWS, asked_at
from tests.support.hospital import StudyOf, fill

LISTS = [f"{sign}{what}" for what in ("Diagnoses", "ICD10CMs", "Signs", "Symptoms") for sign in ("Positive", "Negative")]


QUERIES = {
    "getImage": ({"ImageId": "String"}, "Image"),
    "getImages": ({"ReportId": "String"}, "[Image]"),
    "getReport": ({"ReportId": "String"}, "Report"),
    "listReports": ({"from": "Int", "size": "Int"}, "[Report]"),
    "searchReports": ({"input": "String"}, "[Report]"),
    "getSimilarImages": ({"ImageId": "String", "k": "Int"}, "[Image]"),
    **{f"getAll{name}": ({}, f"[{name}]") for name in ("PositiveICD10CMs", "NegativeICD10CMs")},
    **{f"get{name}": ({"input": "String"}, f"[{name}]") for name in ("PositiveICD10CMs", "NegativeICD10CMs")},
    **{f"get{name}byReports": ({"input": "String"}, f"[{name}]") for name in LISTS},
    **{f"get{name}bySimilarReport": ({"input": "String"}, f"[{name}]") for name in ("PositiveICD10CMs", "NegativeICD10CMs")},
}
"""Every query of the sample, its arguments and its type."""

TYPES = {
    "Image": dict.fromkeys(["ImageId", "ReportId", "Bucket", "Key", "Modality", "ViewPosition", "BodyPartExamined"], "String"),
    "Report": dict.fromkeys(["ReportId", "Examination", "Indication", "Technique", "Findings", "Impression"], "String")
    | dict.fromkeys(LISTS, "[String]")
    | {"Images": "[Image]"},
    **{name: {"doc_count": "Int", "key": "String"} for name in LISTS},
}


def test_the_exported_schema_is_the_schema():
    assert EXPORTED_APPSYNC.read_text(encoding="utf-8") == appsync_text(), "run: make docs"


def test_the_schema_is_the_samples_to_the_letter_but_for_the_size_of_counts():
    schema = parsed(appsync_text())
    assert schema.query_type
    asked = {
        name: ({a: str(arg.type) for a, arg in field.args.items()}, str(field.type))
        for name, field in schema.query_type.fields.items()
    }
    counting = [name for name in QUERIES if "Positive" in name or "Negative" in name]
    assert len(QUERIES) == 20
    assert asked == {
        name: (arguments | {"size": "Int"} if name in counting else arguments, kind)
        for name, (arguments, kind) in QUERIES.items()
    }
    ours = {
        n: t for n, t in schema.type_map.items() if isinstance(t, GraphQLObjectType) and not n.startswith("__") and n != "Query"
    }
    assert {name: {f: str(field.type) for f, field in kind.fields.items()} for name, kind in ours.items()} == TYPES
    assert {f.args["size"].default_value for n, f in schema.query_type.fields.items() if n in counting} == {10}


@pytest.mark.parametrize("reports", [2, 100])
def test_a_page_of_reports_with_images_costs_two_calls_of_the_index(tmp_path, reports):
    fill(
        tmp_path,
        [
            StudyOf(
                patient=f"p{n}",
                study=f"s{n}",
                images={f"{n}.1": ("PA", [1.0, float(n)]), f"{n}.2": ("LATERAL", [float(n), 1.0])},
                sections={"findings": "Pleural effusion."},
            )
            for n in range(reports)
        ],
        side=8,
    )
    calls: Counter[str] = Counter()

    class Counting:
        """The real index, its calls counted."""

        def __init__(self, index):
            self._index = index

        def __getattr__(self, name):
            real = getattr(self._index, name)

            def counted(*args):
                calls[name] += 1
                return real(*args)

            return counted

    def opened(settings):
        backends = open_backends(settings)
        return Backends(Counting(backends.index), backends.warehouse)

    rows = asked_at(tmp_path, opened)(f"{{ listReports(from: 0, size: 100) {ROWS} }}")
    assert [len(row["Images"]) for row in rows] == [2] * reports
    assert calls == {"text": 1, "images_of_reports": 1}


def test_a_query_in_an_address_is_refused_and_batches_are_off(ward):
    client = local_client(create_app(settings_of(ward)))
    assert client.get("/appsync/graphql", params={"query": "{ listReports { ReportId } }"}).status_code == 405
    for address, query in (("/appsync/graphql", "{ listReports { ReportId } }"), ("/graphql", "{ index { images } }")):
        response = client.post(address, json=[{"query": query}, {"query": query}])
        assert response.status_code == 400
        assert "s1" not in response.text


def test_the_new_schema_is_not_served_here_nor_the_samples_there(ward):
    client = local_client(create_app(settings_of(ward)))
    assert code_of(client.post("/appsync/graphql", json={"query": "{ index { images } }"}).json()) == "BAD_USER_INPUT"
    assert code_of(asking(client)("{ getReport { ReportId } }")) == "BAD_USER_INPUT"
