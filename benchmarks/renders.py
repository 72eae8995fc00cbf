"""Measures decoding in the service under load: `python -m benchmarks.renders [--checkout FOLDER]`.

A service is started on a small hospital that has a frame of 50 megapixels, a radiograph of 2048 × 2048 and a palette whose
segments call each other for seconds. Measured are pictures one after the other; then 16 of the large frame and 4 requests
for its values at once, while a client searches; then the palette, while another client asks for the radiograph; then a
client that disconnects. Memory is the proportional share of all of the service's processes, with their files in memory.
With `--checkout` the service is that of another checkout, for comparison. Needs /proc. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
import psutil
from pydicom.dataset import Dataset

from tests.support.factories import dataset
from tests.support.image_service import ImageService, address_of, land_objects
from tests.support.palettes import endless_palette
from tests.support.paths import PROJECT_ROOT

BIG, RADIOGRAPH, PALETTE = "1.1", "2.1", "3.1"
BIG_SIDE, SIDE, PALETTE_BYTES = 7050, 2048, 231_000
RENDERS, VALUES, EACH = 16, 4, 20
QUERY = {"query": '{ searchReports(query: "effusion", first: 20) { totalCount edges { node { id impression } } } }'}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=[of.__name__ for of in MEASUREMENTS], help="not all measurements")
    parser.add_argument("--checkout", type=Path, help="the folder of another checkout, whose service is measured beside")
    given = parser.parse_args()
    checkouts = [given.checkout] * bool(given.checkout) + [PROJECT_ROOT]
    with tempfile.TemporaryDirectory() as folder:
        land_objects(Path(folder), {BIG: large(BIG_SIDE), RADIOGRAPH: large(SIDE), PALETTE: endless_palette(PALETTE_BYTES)})
        settings = {"MEDSEARCH_API_REQUEST_SECONDS": "300"}
        services = [ImageService(Path(folder), settings, "medsearch_api.app", checkout) for checkout in checkouts]
        try:
            print("| |" + " other |" * bool(given.checkout) + " this |\n|---|" + "---|" * len(services))
            for measure in MEASUREMENTS:
                if given.only and measure.__name__ not in given.only:
                    continue
                for name, *cells in zip(*measure([Client(service) for service in services]), strict=True):
                    row(name[0], *(cell for _, cell in (name, *cells)))
        finally:
            for service in services:
                service.close()


def large(side: int) -> Dataset:
    """A square radiograph of 12 bits, with noise in every pixel."""
    y, x = np.mgrid[0:side, 0:side]
    pixels = (x + y) % 3000 + np.random.default_rng(1).integers(0, 64, (side, side))
    return dataset(pixels.astype(np.uint16), BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096)


Cells = list[tuple[str, str]]


def alone(clients: Sequence[Client]) -> list[Cells]:
    """One request after the other, of all services in turn."""
    found: list[Cells] = [[] for _ in clients]
    for client in clients:
        client.picture(RADIOGRAPH, center=1, width=4000)
        until_idle(client.service)
    for what, parameters in (("full", {}), ("512 pixels", {"side": 512})):
        times: list[list[float]] = [[] for _ in clients]
        for n in range(EACH):
            for client, own in zip(clients, times, strict=True):
                own.append(client.picture(RADIOGRAPH, center=n + 2, width=4000, **parameters))
                time.sleep(0.1)
        for cells, own in zip(found, times, strict=True):
            cells.append((f"2048 × 2048, {what}: p50 / p99", percentiles(own)))
    for client, cells in zip(clients, found, strict=True):
        cells.append(("search at rest: p50 / p99", percentiles([client.search() for _ in range(100)])))
        cells.append(("memory at rest", megabytes(memory(client.service))))
    return found


def together(clients: Sequence[Client]) -> list[Cells]:
    return [_together(client) for client in clients]


def _together(client: Client) -> Cells:
    """Large pictures and values at once, while another client searches."""
    client.statuses.clear()
    with (
        sampled(lambda: memory(client.service)) as used,
        sampled(Client(client.service).search) as searches,
        ThreadPoolExecutor(RENDERS + VALUES) as pool,
    ):
        renders = [pool.submit(client.picture, BIG, center=n + 2, width=4000) for n in range(RENDERS)]
        values = [pool.submit(client.get, address_of(BIG, "values"), side=3000 + n) for n in range(VALUES)]
        times = [future.result() for future in (*renders, *values)]
    return [
        (f"{RENDERS} pictures of 50 megapixels, {VALUES} × values: p50 / p99", percentiles(times)),
        ("their statuses", str(dict(sorted(client.statuses.items())))),
        ("peak memory meanwhile", megabytes(max(used))),
        ("search meanwhile: p50 / p99", percentiles(searches)),
    ]


def palette(clients: Sequence[Client]) -> list[Cells]:
    return [_palette(client) for client in clients]


def _palette(client: Client) -> Cells:
    """A small file that takes long, while another client asks for a picture."""
    client.statuses.clear()
    before = processor_seconds(client.service)
    with ThreadPoolExecutor(1) as pool:
        bomb = pool.submit(client.picture, PALETTE, side=100)
        time.sleep(1)
        meanwhile = Client(client.service).picture(RADIOGRAPH, center=999, width=4000)
        seconds = bomb.result()
    until_idle(client.service)
    spent = processor_seconds(client.service) - before
    return [
        ("palette of 231 kB: status, seconds, processor seconds", f"{[*client.statuses]}, {seconds:.1f}, {spent:.1f}"),
        ("another picture meanwhile", f"{1000 * meanwhile:.0f} ms"),
        ("the palette again, with another side", f"{client.picture(PALETTE, side=101):.1f} s"),
    ]


def disconnect(clients: Sequence[Client]) -> list[Cells]:
    return [_disconnect(client.service) for client in clients]


def _disconnect(service: ImageService) -> Cells:
    until_idle(service)
    with service.asking(f"{address_of(BIG)}?center=500&width=4000"):
        time.sleep(0.5)
    begun, before = time.monotonic(), processor_seconds(service)
    until_idle(service)
    seconds, spent = time.monotonic() - begun - IDLE_SECONDS, processor_seconds(service) - before
    return [
        ("a client disconnects: seconds until idle, processor seconds", f"{seconds:.1f}, {spent:.1f}"),
        ("memory and processes afterwards", f"{megabytes(memory(service))}, {len(tree(service))}"),
    ]


class Client:
    """Asks for pictures and searches, and counts statuses."""

    def __init__(self, service: ImageService) -> None:
        self.service = service
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.Client(base_url=service.client.base_url, trust_env=False, timeout=600, limits=limits)
        self.statuses: dict[int, int] = {}

    def get(self, address: str, **parameters: float) -> float:
        """Seconds until the whole answer is there."""
        begun = time.perf_counter()
        response = self._client.get(address, params=parameters)
        self.statuses[response.status_code] = self.statuses.get(response.status_code, 0) + 1
        return time.perf_counter() - begun

    def picture(self, image: str, **parameters: float) -> float:
        return self.get(address_of(image), **parameters)

    def search(self) -> float:
        begun = time.perf_counter()
        self._client.post("/graphql", json=QUERY).raise_for_status()
        return time.perf_counter() - begun


@contextmanager
def sampled(measure: Callable[[], float]) -> Iterator[list[float]]:
    """What is measured again and again while the block lasts."""
    found: list[float] = []
    ended = threading.Event()

    def again() -> None:
        while not ended.wait(0.03):
            found.append(measure())

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


IDLE_SECONDS = 0.3


def until_idle(service: ImageService) -> None:
    """Waits until the service takes no more processor time than a waiting process does."""
    while True:
        before = processor_seconds(service)
        time.sleep(IDLE_SECONDS)
        if processor_seconds(service) - before < IDLE_SECONDS / 10:
            return


def tree(service: ImageService) -> list[psutil.Process]:
    return [service.process, *service.process.children(recursive=True)]


def processor_seconds(service: ImageService) -> float:
    """Of all processes, those that ended and were waited for included."""
    total = 0.0
    for process in tree(service):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total


def memory(service: ImageService) -> float:
    """Bytes of all processes: each page by its share of those that have it, and files in memory once."""
    total = 0.0
    files: dict[int, int] = {}
    for process in tree(service):
        with suppress(OSError, psutil.Error):
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            for file in Path(f"/proc/{process.pid}/fd").iterdir():
                if "memfd:" in os.readlink(file):
                    found = os.stat(file)
                    files[found.st_ino] = found.st_blocks * 512 if stat.S_ISREG(found.st_mode) else 0
    return total + sum(files.values())


def megabytes(bytes: float) -> str:
    return f"{bytes / 2**20:.0f} MiB"


def percentiles(seconds: list[float]) -> str:
    p50, p99 = np.percentile([1000 * s for s in seconds], (50, 99))
    return f"{p50:.0f} / {p99:.0f} ms"


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


MEASUREMENTS = (alone, together, palette, disconnect)

if __name__ == "__main__":
    main()
