"""DICOMweb's catalogue of UIDs: built when asked, in step with the warehouse, bounded, never a reason for a wrong answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from medsearch_api.app import create_app
from medsearch_api.backends.context import Backends, open_backends
from medsearch_api.imaging import uid_index as catalogue
from medsearch_core.columns import table_of
from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord
from medsearch_core.storage.folder import Folder
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from tests.support.api_client import local_client, settings_of


def image(study: int, number: int = 1, **others: Any) -> ImageRecord:
    record = ImageRecord(
        image_id=f"1.{study}.1.{number}",
        patient="p1",
        study=f"s{study}",
        key=f"{study}/{number}.dcm",
        sha256="0" * 64,
        bytes=10,
        frame=1,
        frames=1,
        is_representative=True,
        study_instance_uid=f"1.{study}",
        series_instance_uid=f"1.{study}.1",
        sop_instance_uid=f"1.{study}.1.{number}",
        modality="CT",
        rows=1,
        columns=1,
    )
    return replace(record, **others)


def write(folder: Path, study: int, images: list[ImageRecord]) -> None:
    warehouse = Warehouse(open_store(str(folder / "warehouse")))
    warehouse.write_rows(ImageRecord, study_path("dicom_metadata", StudyKey("p1", f"s{study}")), images, str(images))


def client_over(folder: Path, **others):
    return local_client(create_app(settings_of(folder, **({"api_dicomweb_refresh_seconds": 0.0} | others))))


def studies(client) -> list[str]:
    response = client.get("/dicomweb/studies")
    assert response.status_code in (200, 204), response.text
    return [s["0020000D"]["Value"][0] for s in response.json()] if response.content else []


def test_an_empty_warehouse_has_no_studies(tmp_path):
    response = client_over(tmp_path).get("/dicomweb/studies")
    assert (response.status_code, response.content) == (204, b"")


def test_studies_that_come_change_and_go_are_seen(tmp_path):
    write(tmp_path, 1, [image(1)])
    client = client_over(tmp_path)
    assert studies(client) == ["1.1"]
    write(tmp_path, 2, [image(2), image(2, 2, modality="MR")])
    assert studies(client) == ["1.1", "1.2"]
    write(tmp_path, 1, [replace(image(1), study_instance_uid="1.9")])
    assert studies(client) == ["1.2", "1.9"]
    (tmp_path / "warehouse" / study_path("dicom_metadata", StudyKey("p1", "s2"))).unlink()
    assert studies(client) == ["1.9"]


def test_many_files_are_read_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "FILES_AT_ONCE", 2)
    for study in range(1, 6):
        write(tmp_path, study, [image(study)])
    client = client_over(tmp_path)
    assert studies(client) == ["1.1", "1.2", "1.3", "1.4", "1.5"]
    for study in range(1, 6):
        write(tmp_path, study, [image(study), image(study, 2)])
    assert len(client.get("/dicomweb/instances").json()) == 10


def test_a_listing_is_believed_for_as_long_as_the_setting_says(tmp_path):
    write(tmp_path, 1, [image(1)])
    client = client_over(tmp_path, api_dicomweb_refresh_seconds=3600)
    assert studies(client) == ["1.1"]
    write(tmp_path, 2, [image(2)])
    assert studies(client) == ["1.1"]


def test_frames_are_one_instance_and_what_has_no_series_is_not_offered(tmp_path):
    frames = [image(1, image_id=f"1.1.1.1_{n}", frame=n, frames=3, is_representative=n == 2) for n in (1, 2, 3)]
    write(tmp_path, 1, [*frames, image(1, 2, series_instance_uid=None), image(1, 3, series_instance_uid="not one")])
    client = client_over(tmp_path)
    (study,) = client.get("/dicomweb/studies").json()
    assert (study["00201206"]["Value"], study["00201208"]["Value"]) == ([1], [1])
    (instance,) = client.get("/dicomweb/instances").json()
    assert instance["00280008"]["Value"] == [3]
    assert client.get("/dicomweb/studies/1.1/series/not one").status_code == 400


def test_patients_that_share_a_uid_stay_apart(tmp_path):
    write(tmp_path, 1, [image(1, patient_id="A")])
    write(tmp_path, 2, [image(2, patient_id="B", study_instance_uid="1.1", series_instance_uid="1.1.1")])
    client = client_over(tmp_path)
    assert sorted(s["00100020"]["Value"][0] for s in client.get("/dicomweb/studies").json()) == ["A", "B"]
    assert len(client.get("/dicomweb/studies/1.1/instances").json()) == 2
    write(tmp_path, 2, [image(2, study_instance_uid="1.1", series_instance_uid="1.1.1", sop_instance_uid="1.1.1.1")])
    assert client.get("/dicomweb/studies/1.1/series/1.1.1/instances/1.1.1.1").status_code == 409


def test_more_instances_than_it_may_hold_are_refused_and_not_answered_in_part(tmp_path):
    write(tmp_path, 1, [image(1), image(1, 2)])
    client = client_over(tmp_path, api_dicomweb_instances=2)
    assert studies(client) == ["1.1"]
    write(tmp_path, 2, [image(2)])
    response = client.get("/dicomweb/studies")
    assert (response.status_code, "MEDSEARCH_API_DICOMWEB_INSTANCES" in response.text) == (503, True)
    write(tmp_path, 1, [image(1)])
    assert studies(client) == ["1.1", "1.2"]


def without_modality() -> bytes:
    """A file of another layout than the contract's."""
    sink = BytesIO()
    pq.write_table(table_of(ImageRecord, [image(2)]).drop_columns(["modality"]), sink)
    return sink.getvalue()


@pytest.mark.parametrize(("broken", "fault"), [(b"PAR1 not really", "ArrowInvalid"), (without_modality(), "KeyError")])
def test_a_broken_file_hides_its_study_alone(tmp_path, caplog, broken, fault):
    write(tmp_path, 1, [image(1)])
    write(tmp_path, 2, [image(2)])
    file = tmp_path / "warehouse" / study_path("dicom_metadata", StudyKey("p1", "s2"))
    good = file.read_bytes()
    file.write_bytes(broken)
    client = client_over(tmp_path)
    assert studies(client) == ["1.1"]
    assert f"a file of dicom_metadata cannot be read: {fault}" in caplog.text
    file.write_bytes(good)
    assert studies(client) == ["1.1", "1.2"]


class Gated(Folder):
    """A store whose listing waits at a gate, or fails."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gate, self.fails = threading.Event(), False

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        self.gate.wait(300)
        if self.fails:
            raise StorageError("cannot list")
        return super().list(prefix)


@pytest.fixture
def gated(tmp_path, monkeypatch):
    """A client, and the gate in front of its warehouse's listing."""
    monkeypatch.setattr(catalogue, "WAIT_SECONDS", 0.2)
    write(tmp_path, 1, [image(1)])
    settings = settings_of(tmp_path, api_dicomweb_refresh_seconds=0.0)
    backends = open_backends(settings)
    store = Gated(tmp_path / "warehouse")
    yield local_client(create_app(settings, lambda _: Backends(backends.index, Warehouse(store)))), store
    store.gate.set()


def test_while_it_is_built_the_answer_is_to_come_again(gated, monkeypatch):
    client, store = gated
    response = client.get("/dicomweb/studies")
    assert (response.status_code, response.text.endswith("Try again.")) == (503, True)
    assert response.headers["retry-after"] == "10"
    assert client.get("/dicomweb/studies/1.1").status_code == 503
    assert client.get("/healthz").status_code == 200
    monkeypatch.setattr(catalogue, "WAIT_SECONDS", 300)
    store.gate.set()
    assert studies(client) == ["1.1"]


def test_once_built_it_answers_while_it_is_refreshed_and_when_that_fails(gated, tmp_path, monkeypatch):
    client, store = gated
    monkeypatch.setattr(catalogue, "WAIT_SECONDS", 300)
    store.gate.set()
    assert studies(client) == ["1.1"]
    write(tmp_path, 2, [image(2)])
    store.fails = True
    assert studies(client) == ["1.1"]
    store.fails = False
    store.gate.clear()
    monkeypatch.setattr(catalogue, "WAIT_SECONDS", 0.05)
    assert studies(client) == ["1.1"]
    monkeypatch.setattr(catalogue, "WAIT_SECONDS", 300)
    store.gate.set()
    assert studies(client) == ["1.1", "1.2"]


def test_a_warehouse_that_cannot_be_listed_is_told(gated):
    client, store = gated
    store.fails = True
    store.gate.set()
    response = client.get("/dicomweb/studies")
    assert (response.status_code, response.text.endswith("Try again.")) == (503, True)
