"""WADO-RS as a stock client uses it, over real objects and real HTTP."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pydicom
import pytest

from medsearch_api.app import create_app
from medsearch_api.dicomweb import streams
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.storage.object_store import S3Options
from medsearch_core.storage.open import open_store
from tests.support.api_client import local_client
from tests.support.dicomweb_answers import INSTANCE, uids
from tests.support.radiology import FILES, NEGATIVE_KEY, NEGATIVE_UID, PIXELS, images_in, negative, service_settings
from tests.support.serving import serving

ANY_SYNTAX = (("application/dicom", "*"),)


@pytest.mark.parametrize("name", [*FILES, "negative.dcm"])
def test_what_is_retrieved_is_byte_for_byte_what_landed(web, client, images, ingested, name):
    row = images[name][0]
    study, series, instance = uids(row)
    landed = (ingested / "landing" / row.key).read_bytes()
    place = f"/dicomweb/studies/{study}/series/{series}/instances/{instance}"
    alone = client.get(place, headers={"accept": "application/dicom"})
    assert alone.content == landed
    assert alone.headers["content-type"] == f"application/dicom; transfer-syntax={row.transfer_syntax_uid}"
    assert alone.headers["etag"] == f'"{hashlib.sha256(landed).hexdigest()}"'
    assert alone.headers["cache-control"] == "no-store"
    held = client.get(place, headers={"accept": "application/dicom", "if-none-match": alone.headers["etag"]})
    assert (held.status_code, held.content, held.headers["cache-control"]) == (304, b"", "no-store")
    assert client.get(place, headers={"accept": "application/dicom", "range": "bytes=128-131"}).content == b"DICM"
    assert parts_of(client.get(place)) == [landed]
    ds = web.retrieve_instance(study, series, instance, media_types=ANY_SYNTAX)
    assert ds == pydicom.dcmread(BytesIO(landed))
    assert ds.file_meta.TransferSyntaxUID == row.transfer_syntax_uid


def parts_of(response) -> list[bytes]:
    """The parts of a multipart answer, read by the standard library."""
    from email import message_from_bytes, policy

    assert response.status_code == 200, response.text
    head = f"content-type: {response.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + response.content, policy=policy.HTTP)
    found = []
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        size = int(part["content-length"])
        found.append(_exact(response.content, part["content-location"], size))
        assert isinstance(payload, bytes)
    return found


def _exact(body: bytes, place: str, size: int) -> bytes:
    """A part's bytes by its own length: the library's parser would turn line ends within them."""
    head = body.index(f"Content-Location: {place}\r\n".encode())
    start = body.index(b"\r\n\r\n", head) + 4
    assert body[start + size : start + size + 4] == b"\r\n--"
    return body[start : start + size]


def test_a_study_and_a_series_come_as_all_their_objects(web, client, images, ingested):
    study = images["SC_rgb_jpeg_gdcm.dcm"][0].study_instance_uid
    rows = [rows[0] for rows in images.values() if rows[0].study_instance_uid == study]
    landed = {hashlib.sha256((ingested / "landing" / row.key).read_bytes()).hexdigest() for row in rows}
    assert len(rows) == 2
    assert {hashlib.sha256(part).hexdigest() for part in parts_of(client.get(f"/dicomweb/studies/{study}"))} == landed
    got = web.retrieve_study(study, media_types=ANY_SYNTAX)
    assert {ds.SOPInstanceUID for ds in got} == {row.sop_instance_uid for row in rows}
    streamed = list(web.iter_series(study, rows[0].series_instance_uid, media_types=ANY_SYNTAX))
    assert {ds.SOPInstanceUID for ds in streamed} == {
        row.sop_instance_uid for row in rows if row.series_instance_uid == rows[0].series_instance_uid
    }


def test_only_the_stored_transfer_syntax_is_given(client, images):
    study, series, instance = uids(images["JPEG2000.dcm"][0])
    place = f"/dicomweb/studies/{study}/series/{series}/instances/{instance}"

    def status(accept: str) -> int:
        return client.get(place, headers={"accept": accept}).status_code

    multipart = 'multipart/related; type="application/dicom"; transfer-syntax='
    assert status(f"{multipart}1.2.840.10008.1.2.4.91") == 200
    assert status(f"{multipart}1.2.840.10008.1.2.1") == 406
    assert status(f"{multipart}1.2.840.10008.1.2.1, {multipart}*; q=0.1") == 200
    assert status('multipart/related; type="application/octet-stream"') == 406
    assert status("image/png") == 406
    assert status("application/dicom;q=0") == 406


def test_metadata_is_the_header_as_dicom_json_without_bulk(web, images, ingested):
    for name in (*FILES, "negative.dcm"):
        row = images[name][0]
        header = web.retrieve_instance_metadata(*uids(row))
        ds = pydicom.Dataset.from_json(json.dumps(header))
        landed = pydicom.dcmread(ingested / "landing" / row.key)
        assert (ds.SOPInstanceUID, ds.Rows, ds.PatientID) == (landed.SOPInstanceUID, landed.Rows, landed.PatientID)
        assert "PixelData" not in ds
        assert "7FE00010" not in header
        assert header["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}
    assert str(pydicom.Dataset.from_json(json.dumps(header)).PatientName) == "Doe^Jane"
    study = images["SC_rgb_jpeg_gdcm.dcm"][0].study_instance_uid
    assert len(web.retrieve_study_metadata(study)) == 2


def test_rendered_pictures_are_the_cores(web, client, images, ingested):
    row = images["rtdose.dcm"][6]
    expected = render_frame(read_dataset((ingested / "landing" / row.key).read_bytes()), 7)
    got = web.retrieve_instance_frames_rendered(*uids(row), [7], media_types=("image/png",))
    assert np.array_equal(decode_png(got), expected)
    place = "/dicomweb/studies/{}/series/{}/instances/{}/rendered".format(*uids(row))
    assert client.get(place).status_code == 406
    windowed = client.get(f"{INSTANCE}/rendered", params={"window": "1000,500,linear"})
    expected = render_frame(read_dataset(negative()), 1)
    assert not np.array_equal(decode_png(windowed.content), expected)
    assert np.array_equal(decode_png(client.get(f"{INSTANCE}/rendered").content), expected)
    jpeg = client.get(f"{INSTANCE}/rendered", headers={"accept": "image/jpeg"})
    assert (jpeg.headers["content-type"], jpeg.content[:2]) == ("image/jpeg", b"\xff\xd8")
    for query in ("window=1,2", "window=1,2,cubic", "viewport=10,10", "quality=50"):
        assert client.get(f"{INSTANCE}/rendered?{query}").status_code == 400
    assert client.get(f"{INSTANCE}/frames/2/rendered").status_code == 404
    assert client.get(f"{INSTANCE}/frames/1,1/rendered").status_code == 400


def test_stored_frames_are_the_decoded_pixels(web, images, ingested):
    row = images["rtdose.dcm"][0]
    pixels = pydicom.dcmread(ingested / "landing" / row.key).pixel_array
    got = web.retrieve_instance_frames(*uids(row), [15, 2])
    assert got == [pixels[14].astype("<u4").tobytes(), pixels[1].astype("<u4").tobytes()]
    (only,) = web.retrieve_instance_frames(NEGATIVE_UID, f"{NEGATIVE_UID}.1", f"{NEGATIVE_UID}.1.1", [1])
    assert only == PIXELS.astype("<u2").tobytes()


def test_frames_in_colour_are_refused_with_a_sentence(client, images):
    place = "/dicomweb/studies/{}/series/{}/instances/{}/frames/1".format(*uids(images["SC_rgb_jpeg_gdcm.dcm"][0]))
    response = client.get(place)
    assert (response.status_code, "rendered" in response.text) == (406, True)


def test_a_changed_object_is_refused(changeable):
    client = local_client(create_app(service_settings(changeable)))
    assert client.get(INSTANCE).status_code == 200
    data = negative()
    (changeable / "landing" / NEGATIVE_KEY).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for below in ("", "/metadata", "/rendered", "/frames/1"):
        response = client.get(INSTANCE + below)
        assert (response.status_code, "Ingest its study again." in response.text) == (409, True)


def test_a_study_that_breaks_off_is_never_taken_for_whole(changeable):
    images = images_in(changeable)
    study = images["SC_rgb_jpeg_gdcm.dcm"][0].study_instance_uid
    rows = [rows[0] for rows in images.values() if rows[0].study_instance_uid == study]
    with serving(create_app(service_settings(changeable))) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        connection.request("GET", f"/dicomweb/studies/{study}")
        body = connection.getresponse().read()
        last = max(rows, key=lambda row: body.index(row.sop_instance_uid.encode()))
        (changeable / "landing" / last.key).unlink()
        for below in ("", "/metadata"):
            connection = http.client.HTTPConnection(urlsplit(address).netloc)
            connection.request("GET", f"/dicomweb/studies/{study}{below}")
            response = connection.getresponse()
            assert response.status == 200
            with pytest.raises(http.client.IncompleteRead):
                response.read()
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        connection.request("GET", "/dicomweb/studies")
        assert connection.getresponse().status == 200


def test_so_many_studies_at_once_and_no_more(client, monkeypatch):
    monkeypatch.setattr(streams, "_SLOTS", threading.BoundedSemaphore(1))
    for _ in range(3):
        assert client.get(INSTANCE).status_code == 200
    with streams._SLOTS:
        response = client.get(INSTANCE)
    assert (response.status_code, response.text.endswith("Try again.")) == (503, True)


def test_originals_in_s3_are_read_like_a_folder(ingested, s3_bucket, s3_endpoint):
    address = f"s3://{s3_bucket}/landing"
    open_store(address, S3Options(endpoint=s3_endpoint, region="us-east-1")).write(NEGATIVE_KEY, negative())
    remote = {"landing": address, "s3_endpoint": s3_endpoint, "s3_region": "us-east-1"}
    client = local_client(create_app(service_settings(ingested, **remote)))
    assert parts_of(client.get(INSTANCE)) == [negative()]
    assert client.get(f"{INSTANCE}/rendered").status_code == 200
    assert client.get("/dicomweb/studies/" + pydicom_study(ingested)).status_code == 503


def pydicom_study(folder) -> str:
    return images_in(folder)["CT_small.dcm"][0].study_instance_uid
