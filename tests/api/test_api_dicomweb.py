"""DICOMweb as a stock client uses it, over real objects and real HTTP."""

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
from api_asking import local_client
from dicomweb_client.api import DICOMwebClient
from radiology import FILES, NEGATIVE_KEY, NEGATIVE_UID, PIXELS, images_in, negative, served, service_settings

from medsearch_api.app import create_app
from medsearch_api.dicomweb import streams
from medsearch_api.logs import JsonLines
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.records import ImageRecord
from medsearch_core.storage.object_store import S3Options, open_store

INSTANCE = f"/dicomweb/studies/{NEGATIVE_UID}/series/{NEGATIVE_UID}.1/instances/{NEGATIVE_UID}.1.1"
ANY_SYNTAX = (("application/dicom", "*"),)


@pytest.fixture(scope="module")
def images(ingested):
    return images_in(ingested)


@pytest.fixture(scope="module")
def address(ingested):
    with served(create_app(service_settings(ingested))) as address:
        yield address


@pytest.fixture
def web(address):
    return DICOMwebClient(f"{address}/dicomweb")


@pytest.fixture(scope="module")
def client(ingested):
    return local_client(create_app(service_settings(ingested)))


def uids(row: ImageRecord) -> tuple[str, str, str]:
    assert row.series_instance_uid
    return row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid


def values(found: list[dict], tag: str) -> list:
    return [value for entry in found for value in entry[tag].get("Value", [None])]


def test_a_stock_client_lists_every_study_series_and_instance(web, images):
    rows = [row for rows in images.values() for row in rows]
    assert sorted(values(web.search_for_studies(), "0020000D")) == sorted(
        {(r.patient, r.study): r.study_instance_uid for r in rows}.values()
    )
    assert sorted(values(web.search_for_instances(), "00080018")) == sorted({r.sop_instance_uid for r in rows})
    for study in {r.study_instance_uid for r in rows}:
        series = web.search_for_series(study)
        assert set(values(series, "0020000E")) == {r.series_instance_uid for r in rows if r.study_instance_uid == study}
        for one in values(series, "0020000E"):
            instances = web.search_for_instances(study, one)
            assert set(values(instances, "00080018")) == {r.sop_instance_uid for r in rows if r.series_instance_uid == one}


def test_a_study_is_described_as_the_standard_wants(client):
    query = {"StudyInstanceUID": NEGATIVE_UID, "includefield": "StudyDescription"}
    response = client.get("/dicomweb/studies", params=query)
    assert response.headers["content-type"] == "application/dicom+json"
    (study,) = response.json()
    assert study == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080020": {"vr": "DA", "Value": ["20190304"]},
        "00080030": {"vr": "TM"},
        "00080050": {"vr": "SH"},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00080061": {"vr": "CS", "Value": ["DX"]},
        "00080090": {"vr": "PN"},
        "00081030": {"vr": "LO"},
        "00081190": {"vr": "UR", "Value": [f"http://127.0.0.1:8000/dicomweb/studies/{NEGATIVE_UID}"]},
        "00100010": {"vr": "PN"},
        "00100020": {"vr": "LO", "Value": ["10000032"]},
        "00100030": {"vr": "DA"},
        "00100040": {"vr": "CS"},
        "0020000D": {"vr": "UI", "Value": [NEGATIVE_UID]},
        "00200010": {"vr": "SH", "Value": ["50414267"]},
        "00201206": {"vr": "IS", "Value": [1]},
        "00201208": {"vr": "IS", "Value": [1]},
    }


def test_levels_below_name_their_own_attributes_and_their_place(web, images):
    row = images["rtdose.dcm"][0]
    study, series, instance = uids(row)
    (found,) = web.search_for_series(study)
    assert found["00080060"]["Value"] == ["RTDOSE"]
    assert found["00201209"]["Value"] == [1]
    assert "00100020" not in found
    (found,) = web.search_for_instances(study, series, fields=["PhotometricInterpretation"])
    assert found["00080018"]["Value"] == [instance]
    assert found["00280008"]["Value"] == [15]
    assert found["00280004"]["Value"] == ["MONOCHROME2"]
    place = urlsplit(found["00081190"]["Value"][0]).path
    assert place == f"/dicomweb/studies/{study}/series/{series}/instances/{instance}"
    (found,) = web.search_for_instances(search_filters={"SOPInstanceUID": instance})
    assert found["00100020"]["Value"] == [row.patient_id]
    assert found["00201206"]["Value"] == [1]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"PatientID": "10000032"}, ["negative.dcm"]),
        ({"00100020": "10000032"}, ["negative.dcm"]),
        ({"PatientID": "1CT*"}, ["CT_small.dcm"]),
        ({"PatientID": "?MR1"}, ["MR_small.dcm"]),
        ({"PatientID": "1_T1"}, []),
        ({"PatientID": "%"}, []),
        ({"PatientID": "1ct1"}, []),
        ({"PatientID": "", "StudyDate": "20040119"}, ["CT_small.dcm"]),
        ({"PatientID": "*", "ModalitiesInStudy": "NM"}, ["JPEG2000.dcm"]),
        ({"ModalitiesInStudy": "D?"}, ["negative.dcm"]),
        ({"StudyDate": "20190101-"}, ["negative.dcm"]),
        ({"StudyDate": "20190304-20190304"}, ["negative.dcm"]),
        ({"StudyDate": "20190305-"}, []),
        ({"StudyDate": "-20040119"}, ["CT_small.dcm", "rtdose.dcm"]),
        ({"StudyID": "50414267"}, ["negative.dcm"]),
        ({"StudyInstanceUID": f"{NEGATIVE_UID},1.2.3"}, ["negative.dcm"]),
        ({"StudyInstanceUID": "1.2.3"}, []),
    ],
)
def test_studies_are_matched_by_keys(web, images, filters, names):
    found = web.search_for_studies(search_filters=filters)
    assert sorted(values(found, "0020000D")) == sorted(images[name][0].study_instance_uid for name in names)


def test_series_and_instances_are_matched_by_keys(web, images):
    study, series, instance = uids(images["MR_small.dcm"][0])
    assert series in values(web.search_for_series(search_filters={"Modality": "MR"}), "0020000E")
    assert values(web.search_for_series(search_filters={"Modality": "MR", "PatientID": "1CT1"}), "0020000E") == []
    assert values(web.search_for_series(search_filters={"SeriesInstanceUID": series, "PatientID": "4MR1"}), "0020000E") == [
        series
    ]
    by_instance = web.search_for_instances(study, search_filters={"SOPInstanceUID": instance, "Modality": "MR"})
    assert values(by_instance, "00080018") == [instance]


def test_pages_hold_everything_once_and_say_how_much_is_left(web, client):
    whole = values(web.search_for_instances(), "00080018")
    assert values(web.search_for_instances(limit=2, get_remaining=True), "00080018") == whole
    response = client.get("/dicomweb/instances", params={"limit": 2, "offset": 1})
    assert values(response.json(), "00080018") == whole[1:3]
    assert response.headers["warning"] == f'299 medsearch "There are {len(whole) - 3} additional results that can be requested"'
    assert "warning" not in client.get("/dicomweb/instances").headers
    beyond = client.get("/dicomweb/instances", params={"offset": 1000})
    assert (beyond.status_code, beyond.content) == (204, b"")


def test_what_is_not_supported_is_said(client):
    fuzzy = client.get("/dicomweb/studies", params={"fuzzymatching": "true", "PatientID": "10000032"})
    assert fuzzy.status_code == 200
    assert "Only literal matching" in fuzzy.headers["warning"]
    for query in (
        "PatientName=Doe",
        "AccessionNumber=A7",
        "Modality=MR",
        "SOPInstanceUID=1.2",
        "StudyDate=2019",
        "StudyDate=20190230",
        "StudyDate=-",
        "StudyInstanceUID=1.2*",
        "StudyInstanceUID=abc",
        "PatientID=a%5Cb",
        "limit=-1",
        "limit=many",
        "PatientID=a&PatientID=b",
        "PatientID=a&00100020=b",
        "includefield=Nonsense",
        "fuzzymatching=maybe",
        "somethingelse=1",
    ):
        response = client.get(f"/dicomweb/studies?{query}")
        assert response.status_code == 400, query
        assert response.text.startswith("This cannot be asked: ")
        assert "Doe" not in response.text
    assert (
        client.get("/dicomweb/studies", headers={"accept": "multipart/related; type=application/dicom+xml"}).status_code == 406
    )
    assert client.get("/dicomweb/studies/x1/series").status_code == 400
    assert client.get("/dicomweb/workitems").status_code == 404
    assert client.post("/dicomweb/studies", content=b"").status_code == 405


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
    assert (response.status_code, response.text) == (
        406,
        "Frames in colour or of one bit are given rendered, or within their original.",
    )


def test_a_changed_object_is_refused(changeable):
    client = local_client(create_app(service_settings(changeable)))
    assert client.get(INSTANCE).status_code == 200
    data = negative()
    (changeable / "landing" / NEGATIVE_KEY).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for below in ("", "/metadata", "/rendered", "/frames/1"):
        response = client.get(INSTANCE + below)
        assert (response.status_code, "no longer the one that was indexed" in response.text) == (409, True)


def test_a_study_that_breaks_off_is_never_taken_for_whole(changeable):
    images = images_in(changeable)
    study = images["SC_rgb_jpeg_gdcm.dcm"][0].study_instance_uid
    rows = [rows[0] for rows in images.values() if rows[0].study_instance_uid == study]
    with served(create_app(service_settings(changeable))) as address:
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


def test_without_permission_there_are_no_identifiers(ingested):
    settings = service_settings(ingested).model_copy(update={"api_development_role": "reader"})
    client = local_client(create_app(settings))
    found = client.get("/dicomweb/studies", params={"includefield": "all"}).json()
    for tag in ("00100020", "00100010", "00100030", "00080050", "00080090", "00200010"):
        assert values(found, tag) == [None] * len(found)
    assert "10000032" not in json.dumps(found)
    assert client.get("/dicomweb/studies", params={"PatientID": "10000032"}).status_code == 403
    assert client.get("/dicomweb/instances", params={"StudyID": "5*"}).status_code == 403
    assert client.get(INSTANCE).status_code == 403
    assert client.get(f"{INSTANCE}/metadata").status_code == 403
    assert client.get(f"{INSTANCE}/rendered").status_code == 200


def test_nothing_that_was_not_ingested_is_found(client):
    assert client.get("/dicomweb/studies/1.2.3").status_code == 404
    assert client.get(f"/dicomweb/studies/{NEGATIVE_UID}/series/1.2").status_code == 404
    assert client.get("/dicomweb/studies/..%2f..%2fsecret").status_code in (400, 404)
    head = client.head(INSTANCE)
    assert (head.status_code, head.content) == (200, b"")


def test_so_many_studies_at_once_and_no_more(client, monkeypatch):
    monkeypatch.setattr(streams, "_FREE", threading.BoundedSemaphore(1))
    for _ in range(3):
        assert client.get(INSTANCE).status_code == 200
    with streams._FREE:
        response = client.get(INSTANCE)
    assert (response.status_code, response.text) == (503, "Too many studies are being sent now. Try again.")


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


def test_no_identifier_reaches_the_log(client, caplog):
    with caplog.at_level("DEBUG"):
        client.get("/dicomweb/studies", params={"PatientID": "10000032"})
        client.get(INSTANCE)
        client.get("/dicomweb/studies", params={"PatientName": "Doe^Jane"})
    told = "\n".join(JsonLines().format(record) for record in caplog.records if record.name.startswith("medsearch"))
    assert "/dicomweb/studies/{study}/series/{series}/instances/{instance}" in told
    assert not any(secret in told for secret in ("10000032", "Doe", NEGATIVE_UID))
