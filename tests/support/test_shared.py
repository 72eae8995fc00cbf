"""What a test run shares is made once, and made again only where making it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shared import VARIABLE, made_once


@pytest.fixture(autouse=True)
def a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))


def test_a_folder_is_filled_once() -> None:
    filled: list[Path] = []
    assert made_once("hospital", filled.append) == made_once("hospital", filled.append)
    assert len(filled) == 1


def test_a_folder_that_could_not_be_filled_is_filled_anew() -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise NotADirectoryError

    with pytest.raises(NotADirectoryError):
        made_once("hospital", fail)
    assert list(made_once("hospital", lambda folder: (folder / "whole").touch()).iterdir()) == [
        made_once("hospital", fail) / "whole"
    ]
