"""Files that give no vector, forms that are none, embedders that do not answer: each with a code and a sentence."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from medsearch_api.app import create_app
from medsearch_api.uploads.forms import MAX_CONCURRENT_UPLOADS, MAX_FIELD_BYTES
from medsearch_pipeline.embedder.service import create_app as create_embedder
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.settings import Settings
from tests.support.api_client import local_client
from tests.support.embedders import Failing, Waiting, first_to_end
from tests.support.factories import dataset, dicom_bytes
from tests.support.pictures import PDF, TEXT, png_bomb
from tests.support.radiology import negative, service_settings
from tests.support.serving import free_port, serving
from tests.support.upload_client import EMBEDDING, SIMILAR, asked, form_of, sent

TOKEN = "secret"


def refusal(answer) -> tuple[str, str]:
    (error,) = answer["errors"]
    return error["extensions"]["code"], error["message"]


def invites_retry(error: tuple[str, str]) -> bool:
    """Whether an error is a passing one, and says so."""
    code, message = error
    return code == "UNAVAILABLE" and message.endswith("Try again.")


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", "BAD_USER_INPUT", "the object has no bytes (empty_object)"),
        (TEXT, "BAD_USER_INPUT", "the file is neither DICOM, PNG nor JPEG (not_an_image)"),
        (PDF, "BAD_USER_INPUT", "the file is neither DICOM, PNG nor JPEG (not_an_image)"),
        (negative()[:-100], "BAD_USER_INPUT", "(truncated_pixel_data)"),
        (negative()[:200], "BAD_USER_INPUT", "(truncated_header)"),
        (dicom_bytes(dataset(None)), "BAD_USER_INPUT", "the object has no pixel data (no_pixel_data)"),
        (b"\x89PNG\r\n\x1a\n", "BAD_USER_INPUT", "(undecodable_pixel_data)"),
        (png_bomb(2000), "LIMIT_EXCEEDED", "the PNG has too many pixels"),
        (dicom_bytes(dataset(Rows=30000, Columns=30000)), "LIMIT_EXCEEDED", "a frame has more than 1000000 pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(service, data, code, said):
    for query in (EMBEDDING, SIMILAR):
        found, message = refusal(asked(service, data, query))
        assert found == code
        assert said in message
        assert message.endswith(".")


def test_a_file_over_the_limit_is_refused(service_with, embedder):
    service = service_with(embedder, api_upload_max_bytes=50_000)
    code, message = refusal(asked(service, bytes(50_001)))
    assert (code, "50000 bytes" in message) == ("LIMIT_EXCEEDED", True)
    far_over = sent(service, bytes(300_000), EMBEDDING)
    assert far_over.status_code == 413
    assert refusal(far_over.json())[0] == "LIMIT_EXCEEDED"
    assert "data" in asked(service, negative())


def test_only_forms_to_graphql_may_be_that_large(service):
    large = json.dumps({"query": "{ index { images } }", "filler": "x" * 2**20})
    assert service.post("/graphql", content=large, headers={"content-type": "application/json"}).status_code == 413
    files = {"0": ("a", bytes(2**20))}
    assert service.post("/appsync/graphql", data=form_of(EMBEDDING), files=files).status_code == 413
    small = service.post("/appsync/graphql", data=form_of(EMBEDDING), files={"0": ("a", b"")})
    assert (small.status_code, refusal(small.json())) == (400, ("BAD_USER_INPUT", "Unsupported content type"))


ONE = {"0": ("a", b"x")}


@pytest.mark.parametrize(
    ("data", "files", "said"),
    [
        (form_of(EMBEDDING), ONE | {"1": ("b", b"y")}, "Too many files"),
        (form_of(EMBEDDING) | {"more": "x"}, ONE, "Too many fields"),
        (form_of(EMBEDDING) | {"operations": "x" * (MAX_FIELD_BYTES + 1)}, ONE, "Part exceeded maximum size"),
        (form_of(EMBEDDING) | {"operations": "{"}, ONE, "Unable to parse request body as JSON"),
        (form_of(EMBEDDING) | {"map": '{"1": ["variables.f"]}'}, ONE, "File(s) missing in form data"),
        (form_of(EMBEDDING) | {"map": '{"0": ["variables.f.g.h"]}'}, ONE, "The form's map does not match its operations"),
        (form_of(EMBEDDING) | {"map": '{"0": 5}'}, ONE, "The form's map does not match its operations"),
        (form_of(EMBEDDING) | {"map": '["0"]'}, ONE, "The form's map does not match its operations"),
        (form_of(EMBEDDING) | {"map": '{"0": ["query"]}'}, ONE, "`query` must be a string"),
        (form_of(EMBEDDING) | {"operations": "[]"}, ONE, "The form's map does not match its operations"),
    ],
)
def test_a_form_that_is_none_of_the_specification_is_refused(service, data, files, said):
    refused = service.post("/graphql", data=data, files=files)
    code, message = refusal(refused.json())
    assert (refused.status_code, code) == (400, "BAD_USER_INPUT")
    assert said in message


def test_a_batch_in_a_form_is_refused_as_everywhere(service):
    operations = json.dumps([{"query": EMBEDDING, "variables": {"f": None}}])
    refused = service.post("/graphql", data={"operations": operations, "map": '{"0": ["0.variables.f"]}'}, files=ONE)
    assert (refused.status_code, refusal(refused.json())[0]) == (400, "BAD_USER_INPUT")


def test_a_body_that_is_no_form_is_refused(service):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        refused = service.post("/graphql", content=negative(), headers={"content-type": kind})
        assert (refused.status_code, refusal(refused.json())[0]) == (400, "BAD_USER_INPUT")


def test_a_file_where_none_belongs_is_not_quoted(service):
    answer = asked(service, b"PatientName Doe", "query($f: [Float!]) { similarImages(vector: $f) { nodes { id } } }")
    assert refusal(answer)[0] == "BAD_USER_INPUT"
    assert "Doe" not in json.dumps(answer)


def test_without_an_embedder_the_service_says_what_to_set(ingested):
    service = local_client(create_app(service_settings(ingested)))
    refused = sent(service, negative(), EMBEDDING)
    code, message = refusal(refused.json())
    assert (refused.status_code, code) == (415, "UNAVAILABLE")
    assert "MEDSEARCH_API_EMBEDDER_URL" in message
    assert service.post("/graphql", json={"query": "{ uploads { maxBytes } }"}).json() == {"data": {"uploads": None}}


def test_an_embedder_that_is_down_is_said_to_be(service_with):
    service = service_with(f"http://127.0.0.1:{free_port()}")
    assert invites_retry(refusal(asked(service, negative())))


def test_an_embedder_that_takes_too_long_is_not_waited_for(service_with, model):
    waiting = Waiting(model)
    with serving(create_embedder(Settings(), waiting)) as address:
        service = service_with(address, api_embedder_seconds=0.2)
        said = refusal(asked(service, negative()))
        waiting.go.set()
    assert invites_retry(said)


def test_an_embedder_that_fails_is_said_to(service_with, model):
    with serving(create_embedder(Settings(), Failing(model))) as address:
        said = refusal(asked(service_with(address), negative()))
    assert (said[0], "log" in said[1]) == ("UNAVAILABLE", True)


def test_no_more_files_are_held_than_fit(service_with, model):
    waiting = Waiting(model)
    with serving(create_embedder(Settings(), waiting)) as address, service_with(address) as service:
        refused, answered = first_to_end(
            lambda: sent(service, negative(), EMBEDDING), MAX_CONCURRENT_UPLOADS + 1, waiting.go.set
        )
        assert refused.status_code == 503
        assert invites_retry(refusal(refused.json()))
        assert all("data" in answer.json() and "errors" not in answer.json() for answer in answered)
        assert "errors" not in asked(service, negative())


def test_a_busy_embedder_is_said_to_be(service_with):
    async def busy(request):
        return JSONResponse({"reason": "busy", "detail": "so many"}, 503)

    with serving(Starlette(routes=[Route("/embed", busy, methods=["POST"])])) as address:
        said = refusal(asked(service_with(address), negative()))
    assert invites_retry(said)


@pytest.mark.parametrize("token", ["", "another"])
def test_the_embedders_token_must_be_known(service_with, model, token):
    with serving(create_embedder(Settings(embedder_token=TOKEN), model)) as address:
        code, message = refusal(asked(service_with(address, api_embedder_token=token), negative()))
        assert code == "UNAVAILABLE"
        assert "MEDSEARCH_API_EMBEDDER_TOKEN" in message
        assert "errors" not in asked(service_with(address, api_embedder_token=TOKEN), negative())


def test_vectors_of_another_model_are_never_compared(service_with):
    other = load_embedder("efficientnet_lite0", "random", batch_size=1)
    with serving(create_embedder(Settings(), other)) as address:
        for query in (EMBEDDING, SIMILAR):
            code, message = refusal(asked(service_with(address), negative(), query))
            assert code == "MODEL_MISMATCH"
            assert f"efficientnet_lite0-random {other.model_version}" in message
            assert "the index efficientnet_lite0-imagenet" in message


VALID = {"model_id": "m", "model_version": "1", "vector": "AACAPw==", "format": "PNG", "thumbnail": ""} | dict.fromkeys(
    ("dimensions", "frame", "frames", "rows", "columns"), 1
)
WRONG = ({"vector": "AACAfw=="}, {"vector": 5}, {"dimensions": 2}, {"format": "GIF"}, {"frame": "1"}, {"model_id": None})


@pytest.mark.parametrize("answer", ["no JSON", [], {}, *(VALID | wrong for wrong in WRONG)])
def test_what_no_embedder_says_is_not_believed(service_with, answer):
    async def saying(request):
        return PlainTextResponse(answer) if isinstance(answer, str) else JSONResponse(answer)

    with serving(Starlette(routes=[Route("/embed", saying, methods=["POST"])])) as address:
        said = refusal(asked(service_with(address), negative()))
    assert invites_retry(said)


@pytest.mark.parametrize("address", ["ftp://host", "embedder:8001", "http://", "http://user:secret@host"])
def test_an_address_of_no_embedder_is_refused(ingested, address):
    with pytest.raises(ValueError, match="must be http") as refused:
        service_settings(ingested, api_embedder_url=address)
    assert "secret" not in str(refused.value)


def test_a_form_that_does_not_say_how_long_it_is_ends_at_the_limit(service_with, embedder):
    def chunks():
        yield b'--x\r\nContent-Disposition: form-data; name="0"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield bytes(10_000)

    service = service_with(embedder, api_upload_max_bytes=50_000)
    refused = service.post("/graphql", content=chunks(), headers={"content-type": "multipart/form-data; boundary=x"})
    assert (refused.status_code, refusal(refused.json())[0]) == (413, "LIMIT_EXCEEDED")
