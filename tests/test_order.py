"""The names in conftest.py are those of tests that are there."""

from __future__ import annotations

import pytest

from tests.conftest import LONGEST, SLOW, TESTS


@pytest.mark.parametrize("name", LONGEST)
def test_a_module_that_begins_first_is_there(name: str) -> None:
    assert (TESTS / name).is_file()


@pytest.mark.parametrize("name", SLOW)
def test_a_beginning_of_slow_tests_is_that_of_a_file(name: str) -> None:
    path, _, test = name.partition("::")
    files = [file for file in TESTS.rglob("test_*.py") if file.relative_to(TESTS).as_posix().startswith(path)]
    assert files
    assert all(f"def {test}" in file.read_text() for file in files)
