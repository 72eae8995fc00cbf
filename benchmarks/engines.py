"""Times the engines on one model: `python -m benchmarks.engines [--model densenet121] [--weights random] [--images 16]`.

For each number of threads, in a separate process: eager fp32 with one image at a time, the baseline, then every engine and
precision as runs use them, including those that would be rejected, on the demo's radiographs at the model's own side. Prints
Markdown: images per second, the ratio to the baseline with the same number of threads, and the minimum cosine to its vectors.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import torch

from medsearch_core.dicom.thumbnails import picture_thumbnail
from medsearch_pipeline.demo.cases import View, physique, stream
from medsearch_pipeline.demo.radiographs import draw
from medsearch_pipeline.models.embedder import EngineEmbedder
from medsearch_pipeline.models.engines.attempt import Attempt
from medsearch_pipeline.models.engines.choice import EngineOptions, EnginePlan
from medsearch_pipeline.models.engines.probe import min_cosine, reference_vectors
from medsearch_pipeline.models.preprocessing import letterbox
from medsearch_pipeline.models.registry import network_named

VIEWS: tuple[View, ...] = ("PA", "LATERAL", "AP")
SEEN = len(VIEWS)
WAYS: tuple[tuple[str, Literal["fp32", "bf16"]], ...] = (
    ("torch", "fp32"),
    ("torch", "bf16"),
    ("onnxruntime", "fp32"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
    ("torch-compiled", "bf16"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="densenet121")
    parser.add_argument("--weights", default="random")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--measure", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.model, given.weights, given.images, given.measure)
        return
    print(f"{given.model}, {given.weights} weights; {platform.processor() or platform.machine()}\n")
    print("| threads | engine | images/s | ratio | minimum cosine |\n|---|---|---|---|---|", flush=True)
    said = [f"--model={given.model}", f"--weights={given.weights}", f"--images={given.images}"]
    for threads in given.threads:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.engines", *said, "--measure", str(threads)]
        subprocess.run(command, check=True)  # noqa: S603 - this program


def measure(model: str, weights: str, images: int, threads: int) -> None:
    """The rows of one number of threads."""
    torch.set_num_threads(threads)
    network = network_named(model, weights)
    if not isinstance(network.graph, torch.nn.Module):
        raise SystemExit("give a torch model: eager fp32 is the baseline")
    graph, pictures = network.graph, radiographs(network.input.side, images)
    expected = reference_vectors(graph, pictures[:SEEN])
    base = images / seconds(lambda: reference_vectors(graph, pictures))
    print(f"| {threads} | eager fp32, one at a time | {base:.1f} | 1.0 | 1 |", flush=True)
    attempt = Attempt(network, threads, 0, EngineOptions().cache_folder)
    for engine, precision in WAYS:
        tried = attempt.at(EnginePlan(engine, "cpu", precision))
        if tried.engine is None:
            print(f"| {threads} | {engine} {precision} | {tried.problem} | | |", flush=True)
            continue
        embedder = EngineEmbedder(network, tried.engine, tried.dimensions)
        rate = images / seconds(partial(embedder.embed, pictures))
        cosine = min_cosine(embedder.embed(pictures[:SEEN]), expected)
        print(f"| {threads} | {engine} {precision} | {rate:.1f} | {rate / base:.1f} | {cosine:.6f} |", flush=True)


def radiographs(side: int, n: int) -> np.ndarray:
    """`n` images of three synthetic radiographs, as a model sees them: uint8 `[n, side, side, 3]`."""
    exposed = [draw(physique(stream(seed, "body")), [], view, seed) for seed, view in enumerate(VIEWS)]
    seen = [letterbox(picture_thumbnail((each.pixels >> 4).astype(np.uint8), side), side) for each in exposed]
    return np.stack([seen[at % SEEN] for at in range(n)])


def seconds(work: Callable[[], object]) -> float:
    """The time of the second of two calls."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
