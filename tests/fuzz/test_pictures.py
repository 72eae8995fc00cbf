"""Some thousand damaged files, always the same ones. `python -m tests.fuzz.pictures` tries more, for hours."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest

from medsearch_core.records import REASONS
from tests.fuzz import chain
from tests.fuzz.chain import SHOWN, outcome, seeds_in
from tests.fuzz.mutations import MUTATIONS, Mutation, mutated
from tests.fuzz.pictures import fuzz, write_seeds
from tests.support.factories import GRADIENT, dataset, dicom_bytes
from tests.support.recorded_files import recorded_folder
from tests.support.shared import made_once

SEED, INPUTS = 20261130, 12_000
WHOLE = dicom_bytes(dataset(WindowCenter="20", WindowWidth="40"))


@pytest.fixture(scope="module")
def seeds() -> Path:
    """The folder of the whole files."""
    return made_once("fuzz-seeds", lambda folder: write_seeds(folder, recorded_folder()))


def test_a_damaged_file_is_shown_or_refused(seeds: Path) -> None:
    found = fuzz(seeds, SEED, INPUTS, 1)
    assert found.faults == {}
    assert found.inputs == INPUTS
    assert {SHOWN} < set(found.outcomes) <= {SHOWN, *REASONS}
    assert found.outcomes[SHOWN] > INPUTS // 10, "most of the chain is reached"


def test_an_input_is_the_same_whenever_it_is_made(seeds: Path) -> None:
    whole = seeds_in(seeds)
    assert len(whole) > 900
    inputs = [mutated(whole, SEED, number) for number in range(50)]
    assert inputs == [mutated(whole, SEED, number) for number in range(50)]
    assert len(set(inputs)) > 40


@pytest.mark.parametrize("mutate", dict.fromkeys(MUTATIONS), ids=lambda mutate: mutate.__name__)
def test_each_mutation_changes_a_file_and_bears_an_empty_one(mutate: Mutation) -> None:
    others = [WHOLE, dicom_bytes(dataset(GRADIENT[:3]))]
    chances = [random.Random(n) for n in range(40)]  # noqa: S311 - chance, not secrecy
    assert len({mutate(WHOLE, chance, others) for chance in chances}) > 1
    for chance in chances:
        mutate(b"", chance, [b""])


def test_a_whole_file_is_shown_and_what_else_happens_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (outcome(WHOLE).kind, outcome(WHOLE).fault) == (SHOWN, "")

    def raise_key_error(_: bytes) -> str:
        raise KeyError("Doe^Jane")

    def warn(_: bytes) -> str:
        warnings.warn("Doe^Jane", RuntimeWarning, stacklevel=1)
        return SHOWN

    for process, kind in ((raise_key_error, "KeyError"), (warn, "RuntimeWarning")):
        monkeypatch.setattr(chain, "process", process)
        fault = outcome(WHOLE).fault
        assert fault.startswith(f"{kind} at test_pictures.py:")
        assert "Doe" not in fault
