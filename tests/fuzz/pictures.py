"""Damages DICOM files at random and passes them through the pipeline's chain, in its limited workers.

`python -m tests.fuzz.pictures --inputs 1000000 --seed 7` goes on for hours. Each fault is told once, with a file that has it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from medsearch_core.machine.cpus import available_cpus
from medsearch_core.workers.limits import ItemFailure, Limits
from medsearch_core.workers.pool import Workers
from medsearch_core.workers.process import WorkerServer
from tests.core.dicom.test_bundled_files import FILES
from tests.core.dicom.test_damaged_files import FILES as DAMAGED
from tests.fuzz.chain import Chain, Outcome, seeds_in
from tests.fuzz.mutations import mutated
from tests.support.factories import dicom_bytes
from tests.support.recorded_files import INDEX, record

MAX_SEED_BYTES = 2**17
LIMITS = Limits(seconds=60, bytes=2 * 2**30)
CHUNK, AHEAD = 50, 400
DIED = "died"


@dataclass
class Findings:
    """Args:
    inputs: how many were tried.
    outcomes: kind → number.
    faults: what happened → the number of the first input to which it did.
    """

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)


def write_seeds(folder: Path, recorded: Path) -> None:
    """The whole files: those that the pixel tests make and those that pydicom ships, but for large ones.

    Args:
        folder: gets them.
        recorded: where `record` wrote.
    """
    found = [path.read_bytes() for path in [*FILES.values(), *recorded.iterdir()] if path.name != INDEX]
    found += [dicom_bytes(make()) for make in DAMAGED.values()]
    for data in found:
        if len(data) <= MAX_SEED_BYTES:
            (folder / hashlib.sha256(data).hexdigest()).write_bytes(data)


def fuzz(folder: Path, seed: int, inputs: int, processes: int) -> Findings:
    """Tries the inputs 0 … `inputs` - 1 of a seed.

    Args:
        folder: the whole files.
    """
    found = Findings()
    server = WorkerServer(("medsearch_pipeline.studies.dicom_objects", "tests.fuzz.chain"))
    workers = Workers(processes, LIMITS, server)
    try:
        for number, outcome in workers.map(Chain(folder, seed).outcomes, range(inputs), CHUNK, AHEAD):
            if isinstance(outcome, ItemFailure):
                outcome = Outcome(DIED, f"{DIED}: input {number}")
            found.inputs += 1
            found.outcomes[outcome.kind] += 1
            if outcome.fault:
                found.faults.setdefault(outcome.fault, number)
    finally:
        workers.close()
        server.close()
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.pictures", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=Path, default=Path(".medsearch/fuzz"), help="folder for the files with faults")
    parser.add_argument("--processes", type=int, default=available_cpus())
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as recorded, tempfile.TemporaryDirectory() as folder:
        record(Path(recorded))
        write_seeds(Path(folder), Path(recorded))
        seeds = seeds_in(Path(folder))
        found = fuzz(Path(folder), chosen.seed, chosen.inputs, chosen.processes)
    print(f"{found.inputs} inputs of {len(seeds)} files: {dict(found.outcomes.most_common())}")
    chosen.findings.mkdir(parents=True, exist_ok=True)
    for fault, number in found.faults.items():
        path = chosen.findings / f"{chosen.seed}-{number}.dcm"
        path.write_bytes(mutated(seeds, chosen.seed, number))
        print(f"{path}: {fault}")
    raise SystemExit(os.EX_DATAERR if found.faults else os.EX_OK)


if __name__ == "__main__":
    main()
