"""Searching by a file of one's own: an ingested object finds itself, and any picture what is like it."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from prometheus_client import REGISTRY

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path, thumbnail_path
from tests.support.pictures import jpeg, png
from tests.support.radiology import FILES, PIXELS, images_in, negative
from tests.support.upload_client import EMBEDDING, SIMILAR, asked

OBJECTS = ("negative.dcm", *FILES)


@pytest.fixture(scope="module")
def images(ingested):
    return images_in(ingested)


def landed(folder, row) -> bytes:
    return open_store(str(folder / "landing")).read(row.key)


def middle(rows):
    return next(row for row in rows if row.is_representative)


def cosine(one, other) -> float:
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("name", OBJECTS)
def test_an_ingested_object_gets_its_own_vector_and_thumbnail_and_finds_itself(service, ingested, images, name):
    row, warehouse = middle(images[name]), Warehouse(open_store(str(ingested / "warehouse")))
    study = StudyKey(row.patient, row.study)
    told = asked(service, landed(ingested, row))["data"]["embedding"]
    assert (told["format"], told["frame"], told["frames"]) == ("DICOM", row.frame, row.frames)
    assert (told["rows"], told["columns"]) == (row.rows, row.columns)
    seen = decode_png(base64.b64decode(told["thumbnail"]))
    assert np.array_equal(seen, decode_png(warehouse.store.read(thumbnail_path(study, row.image_id))))
    rows = warehouse.read_rows(EmbeddingRecord, study_path("embeddings", study))
    indexed = next(each for each in rows if each.image_id == row.image_id)
    assert (told["modelId"], told["modelVersion"]) == (indexed.model_id, indexed.model_version)
    assert cosine(told["vector"], indexed.vector) >= 0.999999

    (best, *_) = asked(service, landed(ingested, row), SIMILAR)["data"]["similarImages"]["edges"]
    assert best["node"]["id"] == row.image_id
    assert best["score"] >= 0.999


@pytest.mark.parametrize("kind", ["PNG of 8 bits", "PNG of 16 bits", "JPEG"])
def test_a_picture_of_an_ingested_radiograph_finds_it(service, images, kind):
    picture = render_frame(read_dataset(negative()), 1)
    deep = picture.astype(np.uint16) << 8 | 0x55
    data = {"PNG of 8 bits": png(picture), "PNG of 16 bits": png(deep), "JPEG": jpeg(picture)}[kind]
    told = asked(service, data)["data"]["embedding"]
    assert (told["format"], told["frames"], told["rows"], told["columns"]) == (kind.split()[0], 1, *PIXELS.shape)
    (best, *_) = asked(service, data, SIMILAR)["data"]["similarImages"]["edges"]
    assert best["node"]["id"] == images["negative.dcm"][0].image_id
    assert best["score"] >= 0.999


def test_paging_by_the_vector_is_paging_by_the_file(service):
    by_vector = "query($v: [Float!], $after: String) { similarImages(vector: $v, first: 7, after: $after) { %s } }"
    by_file = "query($f: Upload, $after: String) { similarImages(upload: $f, first: 7, after: $after) { %s } }"
    told = "edges { score node { id } } pageInfo { endCursor hasNextPage }"
    vector = asked(service, negative())["data"]["embedding"]["vector"]
    found, after = [], None
    for _ in range(5):
        page = asked(service, negative(), by_file % told, after=after)["data"]["similarImages"]
        other = service.post(
            "/graphql", json={"query": by_vector % "edges { score node { id } }", "variables": {"v": vector}}
        ).json()["data"]["similarImages"]
        found += page["edges"]
        if after is None:
            assert page["edges"] == other["edges"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    ids = [edge["node"]["id"] for edge in found]
    (indexed,) = service.post("/graphql", json={"query": "{ index { images } }"}).json()["data"]["index"].values()
    assert len(set(ids)) == len(ids) == indexed
    assert [edge["score"] for edge in found] == sorted((edge["score"] for edge in found), reverse=True)


def test_a_cursor_of_another_file_is_refused(service):
    query = (
        "query($f: Upload, $after: String) { similarImages(upload: $f, first: 2, after: $after) { pageInfo { endCursor } } }"
    )
    after = asked(service, negative(), query)["data"]["similarImages"]["pageInfo"]["endCursor"]
    assert asked(service, negative(), query, after=after)["data"]["similarImages"]["pageInfo"]["endCursor"] != after
    (error,) = asked(service, png(np.eye(40, dtype=np.uint8)), query, after=after)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].startswith("after ")


def test_several_fields_of_a_request_embed_their_file_once(service):
    def calls() -> float:
        labels = {"backend": "embedder", "call": "embed", "outcome": "OK"}
        return REGISTRY.get_sample_value("medsearch_backend_calls_total", labels) or 0

    before = calls()
    answer = asked(
        service,
        negative(),
        """query($f: Upload!) {
            embedding(upload: $f) { format }
            similarImages(upload: $f, first: 1) { nodes { id } }
            other: similarImages(upload: $f, first: 1, filters: {modalities: ["CT"]}) { nodes { modality } }
            hybridSearch(query: "", upload: $f, first: 1) { nodes { id } edges { likeness { rank score } } }
        }""",
    )["data"]
    assert calls() == before + 1
    assert answer["hybridSearch"]["nodes"] == answer["similarImages"]["nodes"]
    assert answer["hybridSearch"]["edges"][0]["likeness"]["rank"] == 1
    assert answer["hybridSearch"]["edges"][0]["likeness"]["score"] >= 0.999
    assert answer["other"]["nodes"] == [{"modality": "CT"}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('upload: $f, imageId: "1.1"', "exactly one of imageId, vector and upload"),
        ("upload: $f, vector: [1]", "exactly one of imageId, vector and upload"),
        ("upload: $f, exclude: STUDY", "exclude: STUDY and PATIENT need imageId"),
        ("upload: $f, exclude: PATIENT", "exclude: STUDY and PATIENT need imageId"),
    ],
)
def test_a_file_is_given_alone(service, arguments, said):
    for field in (f"similarImages({arguments})", f'hybridSearch(query: "", {arguments})'):
        (error,) = asked(service, negative(), f"query($f: Upload) {{ {field} {{ nodes {{ id }} }} }}")["errors"]
        assert (said in error["message"], error["extensions"]["code"]) == (True, "BAD_USER_INPUT")


def test_the_service_says_which_files_it_takes(service):
    told = service.post("/graphql", json={"query": "{ uploads { maxBytes formats } }"}).json()["data"]["uploads"]
    assert told == {"maxBytes": 64 * 2**20, "formats": ["DICOM", "PNG", "JPEG"]}


def test_a_string_is_no_file(service):
    answer = service.post("/graphql", json={"query": EMBEDDING, "variables": {"f": "a.dcm"}}).json()
    (error,) = answer["errors"]
    assert "multipart request" in error["message"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
