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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
import psutil

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
    parser.add_argument("--checkout", help="the folder of another checkout, whose service is measured instead")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        land_objects(Path(folder), {BIG: large(BIG_SIDE), RADIOGRAPH: large(SIDE), PALETTE: endless_palette(PALETTE_BYTES)})
        checkout = Path(given.checkout) if given.checkout else PROJECT_ROOT
        service = ImageService(Path(folder), "medsearch_api.app", checkout, MEDSEARCH_API_REQUEST_SECONDS="120")
        try:
            measure(service)
        finally:
            service.close()


def large(side: int) -> object:
    """A square radiograph of 12 bits, with noise in every pixel."""
    y, x = np.mgrid[0:side, 0:side]
    pixels = (x + y) % 3000 + np.random.default_rng(1).integers(0, 64, (side, side))
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    return dataset(pixels.astype(np.uint16), BitsStored=12, HighBit=11, **window)


def measure(service: ImageService) -> None:
    ask = Client(service)
    ask.picture(RADIOGRAPH, center=1, width=4000)
    print("| | |\n|---|---|")
    for what, parameters in (("2048 × 2048, full", {}), ("2048 × 2048, 512 pixels", {"side": 512})):
        times = [ask.picture(RADIOGRAPH, center=n + 2, width=4000, **parameters) for n in range(EACH)]
        row(f"{what}: p50 / p99", percentiles(times))
    row("search at rest: p50 / p99", percentiles([ask.search() for _ in range(100)]))
    row("memory at rest", f"{memory(service) / 2**20:.0f} MiB")
    with sampled(lambda: memory(service)) as used, searching(service) as searches, ThreadPoolExecutor(RENDERS + VALUES) as pool:
        renders = [pool.submit(ask.picture, BIG, center=n + 2, width=4000) for n in range(RENDERS)]
        values = [pool.submit(ask.get, address_of(BIG, "values"), side=3000 + n) for n in range(VALUES)]
        times = [future.result() for future in (*renders, *values)]
    row(f"{RENDERS} pictures of 50 megapixels and {VALUES} × values: p50 / p99", percentiles(times))
    row("their statuses", str(dict(sorted(ask.statuses.items()))))
    row("peak memory meanwhile", f"{max(used) / 2**20:.0f} MiB")
    row("search meanwhile: p50 / p99", percentiles(searches))
    ask.statuses.clear()
    with ThreadPoolExecutor(1) as pool:
        before = processor_seconds(service)
        bomb = pool.submit(ask.picture, PALETTE, side=100)
        time.sleep(1)
        row("palette: another picture meanwhile", f"{1000 * ask.picture(RADIOGRAPH, center=999, width=4000):.0f} ms")
        seconds = bomb.result()
    until_idle(service)
    spent = processor_seconds(service) - before
    row("palette: answered after, processor time", f"{seconds:.1f} s, {spent:.1f} s, statuses {dict(ask.statuses)}")
    row("palette: again, with another side", f"{ask.picture(PALETTE, side=101):.2f} s")
    with service.asking(f"{address_of(BIG)}?center=500&width=4000"):
        time.sleep(0.5)
    begun, before = time.monotonic(), processor_seconds(service)
    until_idle(service)
    spent = processor_seconds(service) - before
    row("a client disconnects: idle after, processor time", f"{time.monotonic() - begun - IDLE_SECONDS:.2f} s, {spent:.2f} s")
    row("memory afterwards, processes", f"{memory(service) / 2**20:.0f} MiB, {len(tree(service))}")


class Client:
    """Asks for pictures and searches, and counts statuses."""

    def __init__(self, service: ImageService) -> None:
        self._address, self._requests = service.client.base_url, httpx.Limits(max_connections=None)
        self._client = httpx.Client(base_url=self._address, trust_env=False, timeout=300, limits=self._requests)
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
def searching(service: ImageService) -> Iterator[list[float]]:
    """The times of searches, one after the other, while the block lasts."""
    client = Client(service)
    with sampled(client.search) as times:
        yield times


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
    total, files = 0.0, {}
    for process in tree(service):
        with suppress(OSError, psutil.Error):
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            for file in Path(f"/proc/{process.pid}/fd").iterdir():
                if "memfd:" in os.readlink(file):
                    found = os.stat(file)
                    files[found.st_ino] = found.st_blocks * 512 if stat.S_ISREG(found.st_mode) else 0
    return total + sum(files.values())


def percentiles(seconds: list[float]) -> str:
    p50, p99 = np.percentile([1000 * s for s in seconds], (50, 99))
    return f"{p50:.0f} / {p99:.0f} ms"


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
