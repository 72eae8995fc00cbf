"""The service as a process of its own over objects that a test makes, and what is running in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import httpx
import psutil
from pydicom.dataset import Dataset

from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from tests.support.factories import dicom_bytes
from tests.support.hospital import HOSPITAL
from tests.support.landed_hospital import fill_and_land
from tests.support.paths import PROJECT_ROOT
from tests.support.serving import free_port

STUDY_OF = {image: study.key for study in HOSPITAL for image in study.images}
"""Image of the small hospital → its study."""
SECONDS = 600.0


def address_of(image: str, kind: str = "png") -> str:
    """Where the service has an image of the small hospital."""
    study = STUDY_OF[image]
    return f"/images/{study.patient}/{study.study}/{image}.{kind}"


def land_objects(folder: Path, objects: Mapping[str, Dataset]) -> None:
    """The small hospital, some of whose images have other originals: image → its data set."""
    fill_and_land(folder)
    landing, warehouse = open_store(str(folder / "landing")), Warehouse(open_store(str(folder / "warehouse")))
    for image, ds in objects.items():
        _replace(landing, warehouse, STUDY_OF[image], image, ds)


def _replace(landing, warehouse: Warehouse, study: StudyKey, image: str, ds: Dataset) -> None:
    place, data = study_path("dicom_metadata", study), dicom_bytes(ds)
    changed = {"sha256": sha256(data).hexdigest(), "bytes": len(data), "rows": ds.Rows, "columns": ds.Columns}
    rows = list(warehouse.read_rows(ImageRecord, place))
    for row in rows:
        if row.image_id == image:
            landing.write(row.key, data)
    rows = [replace(row, **changed) if row.image_id == image else row for row in rows]
    warehouse.write_rows(ImageRecord, place, rows, f"with {changed['sha256']}")


class ImageService:
    """The service, from its start to its end.

    Args:
        folder: what `land_objects` filled.
        module: whose `main` is the program, which is told where the data is by its environment.
        checkout: where its code is.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        module: str = "tests.support.deadly_service",
        checkout: Path = PROJECT_ROOT,
    ) -> None:
        self.port = free_port()
        environment = {
            "MEDSEARCH_API_SIGN_IN": "development",
            **({"MEDSEARCH_API_WORKERS": "1"} if checkout == PROJECT_ROOT else {}),  # an older one does not know it
            "MEDSEARCH_API_PORT": str(self.port),
            **{f"MEDSEARCH_{name.upper()}": str(folder / name) for name in ("warehouse", "index", "landing")},
        }
        self.log = folder / f"{self.port}.log"
        with self.log.open("wb") as log:
            self.process = psutil.Popen(
                [sys.executable, "-c", f"from {module} import main; main()"],
                env={**os.environ, **environment, **settings} | {"PYTHONPATH": str(checkout)},
                cwd=checkout,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=SECONDS)
        self.wait_until(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with suppress(httpx.TransportError):
            return self.client.get("/healthz").is_success
        return False

    def wait_until(self, is_so, seconds: float = SECONDS) -> None:
        """Waits for a condition, at most so long."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def workers(self) -> list[psutil.Process]:
        """The processes that decode, or wait to: those that a child of the service forked."""
        return [grandchild for child in self.process.children() for grandchild in _living(child)]

    def metric(self, name: str) -> float:
        """A metric's value; 0 if there is none yet."""
        lines = [line for line in self.client.get("/metrics").text.splitlines() if line.startswith(f"{name} ")]
        return float(lines[0].split()[-1]) if lines else 0.0

    def outcome(self, name: str) -> float:
        """How many decodings had this outcome."""
        return self.metric(f'medsearch_decodes_total{{outcome="{name}"}}')

    @contextmanager
    def asking(self, address: str) -> Iterator[socket.socket]:
        """A client that has sent a request, and disconnects at the end of the block without having read the answer."""
        with closing(socket.create_connection(("127.0.0.1", self.port))) as client:
            client.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
            yield client

    def close(self) -> None:
        """Ends the service and everything that it started."""
        self.client.close()
        self.process.kill()
        self.process.wait()


def _living(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [child for child in process.children() if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def image_service(folder: Path, **settings: str) -> Iterator[ImageService]:
    """The service while the block lasts."""
    service = ImageService(folder, settings)
    try:
        yield service
    finally:
        service.close()
