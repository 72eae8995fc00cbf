"""The choice of an engine is measured once per network and machine, kept, checked when read, and shared by processes."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.engines import kept_choice
from medsearch_pipeline.models.engines import open as opening
from medsearch_pipeline.models.engines.choice import EngineOptions, EnginePlan, MachineCapabilities
from medsearch_pipeline.models.engines.kept_choice import ChoiceFile, key_of
from medsearch_pipeline.models.engines.machine import cpu_name
from medsearch_pipeline.models.engines.measurements import Measurement, Measurements
from medsearch_pipeline.models.engines.open import OpenedEngine, open_engine
from medsearch_pipeline.models.network import FromPixels, Network
from tests.pipeline.models.small_models import SIDE, WANTED, radiographs, small_network
from tests.support.paths import PROJECT_ROOT

TORCH, OPENVINO = EnginePlan("torch", "cpu", "fp32"), EnginePlan("openvino", "cpu", "fp32")
MEASURED = Measurements(
    "a CPU, 2 CPUs", "2026-11-30", (Measurement(OPENVINO, 3.7, 0.99999), Measurement(TORCH, None, 0.9, "its cosine"))
)


@pytest.fixture
def network() -> Network:
    return Network("small", "0" * 64, WANTED, FromPixels(small_network(), WANTED).eval())


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[list[EnginePlan]]:
    """The candidates of each measurement that is made, in turn, on a machine with two engines, which convert quickly."""
    machine = MachineCapabilities(frozenset({"torch", "openvino"}), cpu_bf16=False, cuda_devices=0, cuda_bf16=False)
    monkeypatch.setattr(opening, "detect_capabilities", lambda: machine)
    seen: list[list[EnginePlan]] = []
    measure = opening.measure

    def count(attempt: opening.Attempt, plans: list[EnginePlan], processor: str, threads: int) -> OpenedEngine:
        seen.append(plans)
        return measure(attempt, plans, processor, threads)

    monkeypatch.setattr(opening, "measure", count)
    return seen


def options(folder: Path | None, **wanted: object) -> EngineOptions:
    return replace(EngineOptions(device="cpu", precision="fp32", threads=1, cache_folder=folder), **wanted)  # type: ignore[arg-type]


def file_in(folder: Path) -> Path:
    (file,) = (folder / "choices").glob("*.json")
    return file


def test_a_kept_choice_is_used_again_without_measuring(network: Network, tmp_path: Path, measured: list[object]) -> None:
    first = open_engine(network, 0, options(tmp_path / "kept"))
    again = open_engine(network, 0, options(tmp_path / "kept"))
    assert len(measured) == 1
    assert (again.engine.name, again.measurements) == (first.engine.name, first.measurements)
    assert np.array_equal(again.engine.start(radiographs(SIDE))(), first.engine.start(radiographs(SIDE))())
    assert open_engine(network, 1, options(tmp_path / "kept")).engine.name == first.engine.name
    assert len(measured) == 1
    file = file_in(tmp_path / "kept")
    assert [path.stat().st_mode & 0o077 for path in (file, file.parent, file.with_suffix(".lock"))] == [0, 0, 0]
    assert {path.suffix for path in file.parent.iterdir()} == {".json", ".lock"}


def test_asked_to_it_measures_anew(network: Network, tmp_path: Path, measured: list[object]) -> None:
    open_engine(network, 0, options(tmp_path))
    open_engine(network, 0, options(tmp_path), measures_anew=True)
    assert len(measured) == 2


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"digest": "1" * 64}, {}),
        ({"input": WANTED.model_copy(update={"side": 32})}, {}),
        ({}, {"threads": 2}),
        ({}, {"precision": "bf16"}),
    ],
    ids=["weights", "side", "threads", "candidates"],
)
def test_another_network_or_setting_is_measured_anew(
    network: Network, tmp_path: Path, measured: list[object], change: dict[str, object], wanted: dict[str, object]
) -> None:
    open_engine(network, 0, options(tmp_path))
    open_engine(replace(network, **change), 0, options(tmp_path, **wanted))  # type: ignore[arg-type]
    assert len(measured) == 2


def test_another_processor_is_measured_anew(
    network: Network, tmp_path: Path, measured: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_engine(network, 0, options(tmp_path))
    monkeypatch.setattr(opening, "processor_of", lambda _: "another CPU, 64 CPUs")
    found = open_engine(network, 0, options(tmp_path)).measurements
    assert len(measured) == 2
    assert found is not None
    assert found.processor == "another CPU, 64 CPUs"


def test_another_version_of_an_engine_is_measured_anew(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(network, [OPENVINO, TORCH], "a CPU", 2)
    monkeypatch.setattr(kept_choice, "version", lambda name: "99" if name == "openvino" else "1")
    after = key_of(network, [OPENVINO, TORCH], "a CPU", 2)
    monkeypatch.setattr(kept_choice, "version", lambda _: "1")
    assert len({before, after, key_of(network, [OPENVINO, TORCH], "a CPU", 2)}) == 3


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def change_a_rate(file: Path) -> None:
    kept = json.loads(file.read_text())
    kept["measurements"]["candidates"][-1]["images_per_second"] = 1e9
    file.write_text(json.dumps(kept))


def name_another_engine(file: Path) -> None:
    file.write_text(file.read_text().replace('"torch"', '"other"'))


@pytest.mark.parametrize("damage", [cut, empty, change_a_rate, name_another_engine])
def test_a_damaged_choice_is_measured_anew_and_told_once(
    damage: Callable[[Path], None],
    network: Network,
    tmp_path: Path,
    measured: list[object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    open_engine(network, 0, options(tmp_path))
    file = file_in(tmp_path)
    damage(file)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            open_engine(network, 0, options(tmp_path))
    assert len(measured) == 2
    (told,) = [record.getMessage() for record in caplog.records if record.name.startswith("medsearch")]
    assert told.startswith(f"the choice of an engine in {file} is damaged")


def test_a_choice_of_other_candidates_is_not_read(tmp_path: Path) -> None:
    file = ChoiceFile(tmp_path, "key")
    file.write(MEASURED)
    assert file.read([OPENVINO, TORCH]) == MEASURED
    assert file.read([TORCH, OPENVINO]) is None


def test_a_folder_that_cannot_be_written_costs_time_alone(
    network: Network, tmp_path: Path, measured: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        engine = open_engine(network, 0, options(tmp_path / "file" / "kept")).engine
    assert engine.start(radiographs(SIDE))().shape == (3, 24)
    assert "cannot be kept in" in caplog.text
    open_engine(network, 0, options(None))
    assert len(measured) == 2


def test_one_way_to_run_a_model_needs_no_measuring(network: Network, tmp_path: Path, measured: list[object]) -> None:
    wanted = options(tmp_path, engine="torch")
    assert open_engine(network, 0, wanted).measurements is None
    assert not measured
    found = open_engine(network, 0, wanted, measures_anew=True).measurements
    assert found is not None
    assert [candidate.plan for candidate in found.candidates] == [TORCH]


def test_a_kept_engine_that_fails_now_gives_way_to_the_next_in_the_order_measured(
    network: Network, tmp_path: Path, measured: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_engine(network, 0, options(tmp_path)).measurements
    assert first is not None
    best, second = first.ranked

    at = opening.Attempt.at

    def fail(attempt: opening.Attempt, plan: EnginePlan) -> object:
        return replace(at(attempt, plan), problem="it fails now") if plan == best.plan else at(attempt, plan)

    monkeypatch.setattr(opening.Attempt, "at", fail)
    engine, _, found = open_engine(network, 0, options(tmp_path))
    assert len(measured) == 1
    assert found is not None
    assert engine.name.startswith(str(second.plan))
    assert (found.ranked[0], found.ranked[-1].problem) == (second, "it fails now")


def test_if_no_candidate_runs_it_nothing_is_kept(tmp_path: Path, measured: list[object]) -> None:
    wrong = Network("small", "0" * 64, WANTED, FromPixels(small_network(), WANTED).eval(), dimensions=7)
    with pytest.raises(ConfigurationError, match=r"openvino fp32: .*24 dimensions.* torch fp32: .*24 dimensions"):
        open_engine(wrong, 0, options(tmp_path))
    assert len(measured) == 1
    assert not list((tmp_path / "choices").glob("*.json"))


LOAD = """
import logging, sys
from pathlib import Path
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.engines.open import open_engine
from medsearch_pipeline.models.network import FromPixels, Network
from tests.support.paths import PROJECT_ROOT
from tests.pipeline.models.small_models import WANTED, small_network
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.getLogger("medsearch_pipeline").setLevel(logging.INFO)
network = Network("small", "0" * 64, WANTED, FromPixels(small_network(), WANTED).eval())
print("opened", open_engine(network, 0, EngineOptions(device="cpu", threads=1, cache_folder=Path(sys.argv[1]))).engine.name)
"""


def test_of_several_processes_that_meet_a_network_at_once_one_measures(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", LOAD, str(tmp_path)]
    loading = [subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [line for process in loading for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in loading] == [0, 0]
    assert len([line for line in lines if line.startswith("small is run by")]) == 1
    opened = [line for line in lines if line.startswith("opened")]
    assert len(opened) == 2
    assert len(set(opened)) == 1


def test_whoever_waited_finds_what_the_first_one_kept(tmp_path: Path) -> None:
    together, found = Barrier(4), list[bool]()

    def meet(_: int) -> None:
        file = ChoiceFile(tmp_path, "key")
        together.wait()
        with file.turn():
            kept = file.read(MEASURED.plans)
            found.append(kept is not None)
            if kept is None:
                file.write(MEASURED)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(meet, range(4)))
    assert found == [False, True, True, True]


def test_a_wait_for_another_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kept_choice, "MAX_WAIT_SECONDS", 0.0)
    reached = False
    with ChoiceFile(tmp_path, "key").turn(), caplog.at_level(logging.WARNING), ChoiceFile(tmp_path, "key").turn():
        reached = True
    assert reached
    assert "another process" in caplog.text


@pytest.mark.parametrize(
    ("described", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC  9R14\n\nprocessor\t: 1\nmodel name\t: AMD EPYC  9R14\n", "AMD EPYC 9R14"),
        ("processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n", "0x41 0xd40"),
        ("", ""),
    ],
)
def test_a_processor_is_known_by_its_name(described: str, name: str) -> None:
    assert cpu_name(described) == name
