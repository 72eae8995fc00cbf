"""Every DICOM file of which the tests in core/dicom decode a frame, by the name of the test.

A plugin of the pytest that `made_files` starts. What Hypothesis invents is left out: the same tests make the same files.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from medsearch_core.dicom import decoding
from medsearch_core.dicom.frames.stored import StoredFrame
from tests.support.paths import PROJECT_ROOT
from tests.support.shared import made_once

FOLDER = "RECORDED_FILES_FOLDER"
INDEX = "files.json"
SOURCE = "tests/core/dicom"
GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
LEFT_OUT = ("test_bundled_files.py", "test_damaged_files.py", "test_second_decoder.py")
"""Tests of files that are there already, or that are damaged at random."""


def made_files() -> dict[str, bytes]:
    """The name of a test, with a number if it has several files, and the file. Each file is there once."""
    folder = recorded_folder()
    index: dict[str, str] = json.loads((folder / INDEX).read_text())
    return {name: (folder / file).read_bytes() for name, file in index.items()}


def recorded_folder() -> Path:
    """Where this run's files and their index are."""
    return made_once("recorded-files", record)


def record(folder: Path) -> None:
    """Runs the tests and records their files here.

    Raises:
        CalledProcessError: a test fails, which that test's own run says more about.
    """
    ignored = [f"--ignore={SOURCE}/{name}" for name in LEFT_OUT]
    command = [sys.executable, "-m", "pytest", SOURCE, *ignored, "-p", __name__, "-p", "no:cacheprovider", "-q", "--quick"]
    subprocess.run(command, cwd=PROJECT_ROOT, env=os.environ | {FOLDER: str(folder)}, stdout=subprocess.DEVNULL, check=True)


class Recorder:
    """Writes each new file that a frame is decoded from.

    Args:
        folder: gets the files and their index.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, str] = {}
        self._decode = decoding.stored_frame
        self._test: str | None = None

    def stored_frame(self, ds: Dataset, *arguments: Any, **named: Any) -> StoredFrame:
        """The core's function, after the object was recorded."""
        if self._test:
            data = file_of(ds)
            file = hashlib.sha256(data).hexdigest() + ".dcm"
            if not (self._folder / file).exists():
                (self._folder / file).write_bytes(data)
                number = sum(name.partition(" #")[0] == self._test for name in self._names) + 1
                self._names[self._test if number == 1 else f"{self._test} #{number}"] = file
        return self._decode(ds, *arguments, **named)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        """From now on, files are this test's."""
        is_invented = hasattr(getattr(item, "obj", None), "hypothesis")
        self._test = None if is_invented else item.nodeid.removeprefix(f"{SOURCE}/")
        try:
            return (yield)
        finally:
            self._test = None

    def pytest_sessionfinish(self) -> None:
        """The index of all."""
        (self._folder / INDEX).write_text(json.dumps(self._names))


def file_of(ds: Dataset) -> bytes:
    """An object as a file, though its transfer syntax may be unknown or untrue."""
    ds, uid = deepcopy(ds), ds.file_meta.TransferSyntaxUID
    for element in ds.iterall():
        if element.VR.startswith("US or") and not isinstance(element.value, bytes):
            element.VR = "SS" if np.min(element.value) < 0 else "US"
    ds.preamble = b"\0" * 128
    with suppress(ValueError):
        return _written(ds)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return with_transfer_syntax(_written(ds, implicit_vr=False, little_endian=True), uid)


def _written(ds: Dataset, **encoding: bool) -> bytes:
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, **encoding)
    return buffer.getvalue()


def with_transfer_syntax(data: bytes, uid: str) -> bytes:
    """A file that says of itself that it has another transfer syntax."""
    at = data.index(b"\x02\x00\x10\x00UI")
    end = at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")
    value = uid.encode() + b"\0" * (len(uid) % 2)
    element = data[at : at + 6] + len(value).to_bytes(2, "little") + value
    length = data.index(GROUP_LENGTH) + len(GROUP_LENGTH)
    longer = int.from_bytes(data[length : length + 4], "little") + len(element) - (end - at)
    return data[:length] + longer.to_bytes(4, "little") + data[length + 4 : at] + element + data[end:]


def pytest_configure(config: pytest.Config) -> None:
    """Before the first test module imports the function by its name."""
    recorder = Recorder(Path(os.environ[FOLDER]))
    decoding.stored_frame = recorder.stored_frame
    config.pluginmanager.register(recorder, "recorder")
