"""From DICOM files to stored vectors: the reference's steps compared with medsearch's, on one core and on two, and the memory.

    python -m benchmarks.embedding                     # the tables, a few minutes
    python -m benchmarks.embedding --memory 100 2000   # peak memory with 100 and 2000 original-size images

medsearch's steps are those of the assets: `StudyImageBuilder` and `StudyEmbedder` from a landing folder to a warehouse.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import psutil
from pydicom.uid import ExplicitVRLittleEndian

from benchmarks.original_size import SYNTAXES, encoded, land, landed, radiograph
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_png, encode_png, thumbnail
from medsearch_core.keys import StudyKey
from medsearch_core.machine.cpus import available_cpus
from medsearch_core.records import LandedObject
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_core.workers.limits import Limits
from medsearch_core.workers.pool import Workers
from medsearch_pipeline.models.engines.choice import EngineOptions, PrecisionName
from medsearch_pipeline.models.preprocessing import letterbox
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.dicom_objects import DicomObjectProcessor
from medsearch_pipeline.studies.embeddings import StudyEmbedder
from medsearch_pipeline.studies.images import StudyImageBuilder
from medsearch_pipeline.workers.decoding import decoding_workers, server

REPEATS = 5
REFERENCE_IMAGES = 8


def main() -> None:
    """Measures in a separate process for each number of cores, so that every library sees that number."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", type=int, nargs="*", default=[])
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--child", choices=("rates", "memory"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps((rates if given.child == "rates" else peak)(given.folder, given.precision)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        if given.memory:
            print("| images | peak memory, MiB | images/s |\n|---|---|---|")
            for images in given.memory:
                folder = Path(temporary, str(images))
                land(folder / "landing", images, min(images, 16))
                found = child(folder, "memory", max(given.cores), given.precision)
                print(f"| {images} | {found['bytes'] / 2**20:.0f} | {found['rate']:.1f} |", flush=True)
            return
        steps()
        land(Path(temporary, "landing"), given.images, min(given.images, 16))
        print(
            "| cores | images/s: reference | medsearch | ratio | model alone | medsearch / model | vectors from PNGs / model |"
        )
        print("|---|---|---|---|---|---|---|", flush=True)
        for cores in given.cores:
            found = child(Path(temporary), "rates", cores, given.precision)
            ours, forward = found["ours"], found["forward"]
            print(
                f"| {cores} | {found['reference']:.2f} | {ours:.2f} | {ours / found['reference']:.1f} | {forward:.2f} "
                f"({found['engine']}) | {ours / forward:.2f} | {found['embedding'] / forward:.2f} |",
                flush=True,
            )


def child(folder: Path, what: str, cores: int, precision: PrecisionName) -> dict[str, Any]:
    """The measurements of a process that may use this many cores."""
    may = sorted(os.sched_getaffinity(0))[:cores]
    command = ["taskset", "-c", ",".join(map(str, may)), sys.executable, "-m", __spec__.name, "--child", what]
    said = ["--folder", str(folder), "--precision", precision]
    answer = subprocess.run([*command, *said], check=True, stdout=subprocess.PIPE)  # noqa: S603
    return json.loads(answer.stdout.splitlines()[-1])


def rates(folder: Path, precision: PrecisionName) -> dict[str, Any]:
    """Images per second of the reference, of medsearch and its two steps, and of the model alone on images in memory."""
    from benchmarks.reference_steps import reference

    sources = sorted((folder / "landing").rglob("*.dcm"))[: REFERENCE_IMAGES + 1]
    with tempfile.TemporaryDirectory() as pngs:
        of = reference(Path(pngs))
        of(sources[0])
        of_reference = per_second(lambda: [of(source) for source in sources[1:]], len(sources) - 1)
    with tempfile.TemporaryDirectory() as warehouse:
        ours = Ours(folder / "landing", Path(warehouse), precision)
        before = ours.forward()
        ours.run()
        forward = (before + ours.forward()) / 2  # a machine's speed varies
    return {
        "reference": of_reference,
        "forward": forward,
        "engine": ours.embedder.engine,
        "ours": ours.images / ours.together,
        "embedding": ours.images / ours.embedding,
    }


class Ours:
    """Times the assets' own code: objects to thumbnails and vectors, and thumbnails to vectors alone."""

    def __init__(self, landing: Path, warehouse: Path, precision: PrecisionName = "auto") -> None:
        from medsearch_pipeline.models.registry import load_embedder

        self.settings = Settings(model="densenet121", weights="random")
        self.embedder = load_embedder("densenet121", "random", options=EngineOptions(precision=precision))
        self.tables = Warehouse(open_store(str(warehouse)))
        self.loaders = Workers(available_cpus(), Limits(60, 4 * 2**30), server())  # a run has its own
        store = open_store(str(landing))
        self.reader = StudyImageBuilder(
            DicomObjectProcessor(store, self.tables.store, 512, self.settings.max_pixels, False), self.tables
        )
        self.studies = {study: [item] for study, item in landed(store)}
        self.sample = store.read(next(iter(self.studies.values()))[0].key)
        self.images, self.together, self.embedding = len(self.studies), 0.0, 0.0

    def forward(self) -> float:
        """Images per second of the model alone, on batches in memory."""
        size, side = self.embedder.batch_size, self.embedder.side
        batch = np.stack([letterbox(render_frame(read_dataset(self.sample), 1, side), side)] * size)
        batches = max(2, self.images // size)
        self.embedder.embed(batch)
        return per_second(lambda: [*self.embedder.embed_batches([batch] * batches)], batches * size)

    def run(self) -> None:
        """Everything once, without the start of the worker processes and the model's first batch; then the vectors again."""
        self._together(dict([next(iter(self.studies.items()))]))
        self.together = seconds(lambda: self._together(self.studies))
        self.embedding = seconds(lambda: self._embed(self.studies))

    def _together(self, studies: dict[StudyKey, list[LandedObject]]) -> None:
        """As in a backfill: while one run decodes, another embeds what was decoded."""
        decoded: SimpleQueue[StudyKey | None] = SimpleQueue()
        embedding = threading.Thread(target=self._embed, args=[iter(decoded.get, None)])
        embedding.start()
        try:
            self.reader.build(studies, decoding_workers(self.settings), decoded.put)
        finally:
            decoded.put(None)
            embedding.join()

    def _embed(self, studies: Iterable[StudyKey]) -> None:
        StudyEmbedder(self.tables, self.embedder).build(studies, self.loaders, lambda _: None)


def peak(folder: Path, precision: PrecisionName) -> dict[str, float]:
    """The peak memory of this process and its workers together, with shared pages counted once."""
    most, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.5):
            now = 0
            for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
                try:
                    now += process.memory_full_info().pss
                except psutil.NoSuchProcess:
                    continue
            most = max(most, now)

    watcher = threading.Thread(target=watch)
    with tempfile.TemporaryDirectory() as warehouse:
        ours = Ours(folder / "landing", Path(warehouse), precision)
        watcher.start()
        ours.run()
        ended.set()
        watcher.join()
    return {"bytes": most, "rate": ours.images / ours.together}


def steps() -> None:
    """The cost of each step for one image, on one core, by transfer syntax."""
    print("| 3056 × 2544, 12 bit; ms on one core | MB | decoded to an image of 512 | PNG written | PNG read, letterboxed |")
    print("|---|---|---|---|---|")
    pixels = radiograph(0)
    for syntax in SYNTAXES:
        data = encoded(pixels, syntax, 0)
        picture = thumbnail(read_dataset(data), 1)
        png = encode_png(picture)
        figures = [
            least_ms(lambda d=data: thumbnail(read_dataset(d), 1)),
            least_ms(lambda p=picture: encode_png(p)),
            least_ms(lambda p=png: letterbox(decode_png(p), 512)),
        ]
        name = "raw" if syntax == ExplicitVRLittleEndian else syntax.name.partition(" (")[0].partition(",")[0]
        print(f"| {name} | {len(data) / 1e6:.1f} | " + " | ".join(f"{f:.1f}" for f in figures) + " |", flush=True)
    print()


def least_ms(call: Any) -> float:
    """Milliseconds, the minimum of several runs."""
    call()
    return 1000 * min(seconds(call) for _ in range(REPEATS))


def per_second(call: Any, count: int) -> float:
    """Items per second."""
    return count / seconds(call)


def seconds(call: Any) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
