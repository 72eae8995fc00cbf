"""QIDO-RS as a stock client uses it, over real objects and real HTTP, and who may see identifiers."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from medsearch_api.app import create_app
from medsearch_api.http.logs import JsonLines
from tests.support.api_client import local_client
from tests.support.dicomweb_answers import INSTANCE, uids, values
from tests.support.radiology import NEGATIVE_UID, service_settings


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
        ({"PatientID": "p10000032"}, ["negative.dcm"]),
        ({"PatientID": "p1000003*"}, []),
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
        assert response.text.startswith("Invalid request: ")
        assert "Doe" not in response.text
    assert (
        client.get("/dicomweb/studies", headers={"accept": "multipart/related; type=application/dicom+xml"}).status_code == 406
    )
    assert client.get("/dicomweb/studies/x1/series").status_code == 400
    assert client.get("/dicomweb/workitems").status_code == 404
    assert client.post("/dicomweb/studies", content=b"").status_code == 405


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


def test_no_identifier_reaches_the_log(client, caplog):
    with caplog.at_level("DEBUG"):
        client.get("/dicomweb/studies", params={"PatientID": "10000032"})
        client.get(INSTANCE)
        client.get("/dicomweb/studies", params={"PatientName": "Doe^Jane"})
    told = "\n".join(JsonLines().format(record) for record in caplog.records if record.name.startswith("medsearch"))
    assert "/dicomweb/studies/{study}/series/{series}/instances/{instance}" in told
    assert not any(secret in told for secret in ("10000032", "Doe", NEGATIVE_UID))
