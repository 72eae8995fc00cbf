"""`medsearch model describe` without a file: the configured model, and how fast each engine runs it here."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_pipeline.cli import main
from medsearch_pipeline.cli.model import engine_rows
from medsearch_pipeline.models.engines.choice import EnginePlan
from medsearch_pipeline.models.engines.measurements import Measurement, Measurements
from tests.pipeline.models.small_models import described, write_model


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a deployment whose model two engines can run, in one precision."""
    file = write_model(tmp_path / "small.onnx")
    described(file, dimensions=24)
    monkeypatch.chdir(tmp_path)
    wanted = {"MODEL": "file", "WEIGHTS": str(file), "PRECISION": "fp32", "MODEL_CACHE": str(tmp_path / "kept")}
    for name, value in wanted.items():
        monkeypatch.setenv(f"MEDSEARCH_{name}", value)
    return tmp_path / "kept"


def test_the_configured_model_is_described_with_its_engines_and_they_are_measured_again_only_if_asked(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def describe(*arguments: str) -> tuple[str, bytes, int]:
        assert main(["model", "describe", *arguments]) == 0
        (file,) = (cache / "choices").glob("*.json")
        return capsys.readouterr().out, file.read_bytes(), file.stat().st_ino

    told, kept, inode = describe()
    assert "24 dimensions from 64 pixels" in told
    assert "measured on" in told
    assert [word for word in ("openvino fp32", "onnxruntime fp32", "openvino bf16") if word in told] == [
        "openvino fp32",
        "onnxruntime fp32",
    ]
    assert told.count("not chosen") == 1
    assert describe() == (told, kept, inode)
    assert describe("--measure")[2] != inode


def test_a_model_with_one_candidate_is_measured_only_if_asked(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_ENGINE", "onnxruntime")
    assert main(["model", "describe"]) == 0
    assert "--measure" in capsys.readouterr().out
    assert not (cache / "choices").exists()
    assert main(["model", "describe", "--measure"]) == 0
    assert "images/s" in capsys.readouterr().out


def test_each_candidate_has_a_row_and_the_chosen_one_comes_first() -> None:
    candidates = (
        Measurement(EnginePlan("openvino", "cpu", "fp32"), 3.72, 0.9999999),
        Measurement(EnginePlan("torch", "cpu", "fp32"), 29.0, 1.0),
        Measurement(EnginePlan("onnxruntime", "cpu", "fp32"), None, None, "it cannot"),
        Measurement(EnginePlan("torch", "cpu", "bf16"), None, 0.998, "its cosine"),
    )
    assert list(engine_rows(Measurements("a CPU", "2026-11-30", candidates))) == [
        ("torch fp32", "29", "1.000000", "chosen"),
        ("openvino fp32", "3.72", "1.000000", "not chosen"),
        ("onnxruntime fp32", "", "", "it cannot"),
        ("torch bf16", "", "0.998000", "its cosine"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--side", "64"], "FILE"),
        (["a.onnx", "--id", "a", "--licence", "b", "--side", "64", "--measure"], "--measure"),
        (["a.onnx", "--id", "a", "--side", "64"], "--licence"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["model", "describe", *arguments]) == 1
    assert said in capsys.readouterr().err
