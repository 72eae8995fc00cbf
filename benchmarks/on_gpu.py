"""The parts of `benchmarks/on_gpu.sh`, which runs each in a process of its own: `python -m benchmarks.on_gpu PART`.

Prints Markdown rows: part, case, images per second, remark. A part that cannot be measured ends with the reason.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from medsearch_core.errors import MedsearchError
from medsearch_pipeline.models.embedder import EngineEmbedder
from medsearch_pipeline.models.engines.choice import EngineName, EngineOptions
from medsearch_pipeline.models.engines.machine import detect_capabilities, processor_of
from medsearch_pipeline.models.engines.open import OpenedEngine, open_engine
from medsearch_pipeline.models.engines.probe import synthetic_images
from medsearch_pipeline.models.network import Network
from medsearch_pipeline.models.registry import network_named

MODEL, WEIGHTS = "densenet121", "random"
BATCH_SIZES = (1, 8, 32, 64, 128, 256)
BATCHES = 4
DECODED = 3
Row = tuple[str, float | None, str]
"""Case, images per second, remark."""


class CannotMeasure(Exception):
    """The machine lacks what a part needs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    part = parser.parse_args().part
    try:
        for case, rate, remark in PARTS[part]():
            print(f"| {part} | {case} | {'' if rate is None else f'{rate:.1f}'} | {remark} |", flush=True)
    except (CannotMeasure, MedsearchError) as reason:
        raise SystemExit(str(reason)) from reason


def machine() -> Iterator[Row]:
    """What the machine is."""
    yield "CPU", None, processor_of("cpu")
    yield "torch", None, f"{torch.__version__}, built for CUDA {torch.version.cuda or 'no version'}"
    need_gpu()
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    yield "GPU", None, f"{processor_of('cuda')}, {memory:.0f} GiB, {torch.cuda.device_count()} of them"


def tests() -> Iterator[Row]:
    """The tests marked gpu."""
    need_gpu()
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "--tb=line", "-p", "no:cacheprovider"]
    files = ["tests/pipeline/models/test_torch_engine.py", "tests/core/dicom/test_gpu_decoding.py"]
    done = subprocess.run([*command, *files], capture_output=True, text=True)  # noqa: S603
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]]
    yield "pytest -m gpu", None, lines[-1]
    for line in lines:
        if line.startswith(("FAILED", "ERROR")):
            yield cell(line), None, "failed"
    if done.returncode:
        raise CannotMeasure(f"pytest ended with status {done.returncode}")


def engines() -> Iterator[Row]:
    """The candidates of `auto` on the GPU, if there is one, and on the CPU, as a run measures them."""
    for device in ["cuda"] * bool(detect_capabilities().cuda_devices) + ["cpu"]:
        measurements = opened(0, "auto", device).measurements
        for rank, candidate in enumerate(measurements.ranked if measurements else ()):
            cosine = "" if candidate.cosine is None else f"cosine {candidate.cosine:.6f}"
            remark = candidate.problem or f"{cosine}{', chosen' if rank == 0 else ''}"
            yield f"{candidate.plan}, {device}", candidate.images_per_second, cell(remark)
    need_gpu()


def compiled() -> Iterator[Row]:
    """`torch-compiled` on the GPU, which `auto` never measures."""
    need_gpu()
    started = time.perf_counter()
    engine = opened(0, "torch-compiled", "cuda", "bf16")
    seconds = time.perf_counter() - started
    yield f"{engine.engine.name}, batches of {engine.engine.batch_size}", rate_of(engine), f"opened in {seconds:.0f} s"


def batches() -> Iterator[Row]:
    """The chosen engine by batch size, and the batch that fits by itself."""
    need_gpu()
    for size in (*BATCH_SIZES, 0):
        torch.cuda.reset_peak_memory_stats()
        engine = opened(size, "torch", "cuda", "bf16" if detect_capabilities().cuda_bf16 else "fp32")
        rate = rate_of(engine)
        memory = torch.cuda.max_memory_allocated() / 2**30
        name = f"{engine.engine.name}, {'batches' if size else 'automatic batches'} of {engine.engine.batch_size}"
        yield name, rate, f"{memory:.1f} GiB of GPU memory at most"


def decoding() -> Iterator[Row]:
    """Original-size radiographs decoded by the CPU, then by nvImageCodec, one at a time."""
    from pydicom.uid import HTJ2KLossless, JPEG2000Lossless, JPEGLosslessSV1

    from benchmarks.original_size import encoded, radiograph
    from medsearch_core.dicom.codestreams.codecs import DECODERS
    from medsearch_core.dicom.dataset import read_dataset
    from medsearch_core.dicom.decoding import stored_frame
    from medsearch_core.dicom.gpu_decoding import NAME, decode_on_gpu

    pixels = radiograph(0)
    files = {syntax: encoded(pixels, syntax, 0) for syntax in (JPEGLosslessSV1, JPEG2000Lossless, HTJ2KLossless)}

    def rows(by: str) -> Iterator[Row]:
        for syntax, data in files.items():
            if by == NAME and DECODERS[syntax] != NAME:
                continue
            found = stored_frame(read_dataset(data), 1).samples
            decode = partial(stored_frame, read_dataset(data), 1)
            seconds = min(seconds_of(decode) for _ in range(DECODED))
            is_same = np.array_equal(np.squeeze(found), pixels)
            yield f"{syntax.name.partition(' (')[0]}, {by}", 1 / seconds, "same values" if is_same else "OTHER VALUES"

    yield from rows("CPU")
    decode_on_gpu()
    yield from rows(NAME)


def end_to_end() -> Iterator[Row]:
    """From DICOM files to stored vectors, by the steps of the assets."""
    from benchmarks.embedding import Ours
    from benchmarks.original_size import land

    images = 512 if torch.cuda.is_available() else 8
    with tempfile.TemporaryDirectory() as folder:
        land(Path(folder, "landing"), images, min(images, 16))
        ours = Ours(Path(folder, "landing"), Path(folder, "warehouse"))
        alone = ours.forward()
        ours.run()
        case = f"{images} original-size images, {len(os.sched_getaffinity(0))} cores"
        yield f"{case}: files to vectors", ours.images / ours.together, ours.embedder.engine
        yield f"{case}: thumbnails to vectors", ours.images / ours.embedding, ours.embedder.engine
        yield "model alone, batches in memory", alone, f"{ours.embedder.engine}, batches of {ours.embedder.batch_size}"
    need_gpu()


def need_gpu() -> None:
    """Ends a part on a machine without a GPU."""
    if not torch.cuda.is_available():
        built = "this torch is built without CUDA" if torch.version.cuda is None else "torch finds no CUDA device"
        raise CannotMeasure(f"no GPU: {built}")


def opened(batch_size: int, engine: EngineName, device: str, precision: str = "auto") -> OpenedEngine:
    """An engine as a run opens it; several candidates are measured anew."""
    options = EngineOptions(engine, device, precision)  # type: ignore[arg-type]
    return open_engine(network(), batch_size, options, measures_anew=precision == "auto")


def rate_of(engine: OpenedEngine) -> float:
    """Images per second of some batches, as a run sends them."""
    embedder = EngineEmbedder(network(), engine.engine, engine.dimensions)
    batch = np.resize(synthetic_images(embedder.side), (embedder.batch_size, embedder.side, embedder.side, 3))
    embedder.embed(batch)
    return BATCHES * len(batch) / seconds_of(lambda: list(embedder.embed_batches([batch] * BATCHES)))


def network() -> Network:
    return network_named(MODEL, WEIGHTS)


def seconds_of(work: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cell(text: str) -> str:
    """Text that cannot end a cell."""
    return text.replace("|", "/")


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "machine": machine,
    "tests": tests,
    "engines": engines,
    "compiled": compiled,
    "batches": batches,
    "decoding": decoding,
    "end_to_end": end_to_end,
}

if __name__ == "__main__":
    main()
