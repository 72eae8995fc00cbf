"""Decodes what only GDCM can decode, in a process of its own, that may die of it.

On a damaged JPEG or JPEG-LS codestream GDCM does not raise: it aborts the process (a C++ exception crosses its Python
binding) or reads out of bounds. One bad file must not take its neighbours down, so a helper process decodes, one frame at a
time; it is started when the first such frame comes, and again after it died. The helper's stderr is thrown away.

The helper's side is `main`. A message is one line of JSON, its `bytes` long payload after it, both ways.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from typing import IO, Any

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from medsearch_core.dicom.quiet import FAULTS, quiet
from medsearch_core.errors import ConfigurationError

SECONDS_PER_FRAME = 120.0


class HelperFault(RuntimeError):
    """The helper died, took too long or said that it could not decode."""


class Helper:
    """One helper process, shared by the threads of this process. A fork of this process starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def decode(self, syntax: str, data: bytes, options: dict[str, Any]) -> tuple[np.ndarray, str]:
        """Decodes one codestream with GDCM.

        Args:
            syntax: the UID of the transfer syntax to decode it as.
            data: the codestream of one frame.
            options: pydicom's decoding options, that is the Image Pixel module in snake case.

        Returns:
            Stored values, `[rows, columns]` or `[rows, columns, 3]`, and the colour space that they are in.

        Raises:
            HelperFault: the codestream cannot be decoded.
            ConfigurationError: the helper cannot be started.
        """
        with self._lock:
            process = self._running()
            alarm = threading.Timer(SECONDS_PER_FRAME, process.kill)
            alarm.start()
            answer: dict[str, Any] = {}
            payload = b""
            try:
                _send(process.stdin, {"syntax": syntax, "options": options}, data)
                answer, payload = _receive(process.stdout)
            except (OSError, ValueError):
                process.kill()
            finally:
                alarm.cancel()
            if not answer:
                process.kill()
                process.wait()
                self._process = None
        if "shape" not in answer:
            raise HelperFault("the decoder refused the frame" if answer else "the decoder crashed or hung")
        array = np.frombuffer(payload, np.dtype(answer["dtype"])).reshape(answer["shape"])
        return array, str(answer["photometric"])

    def close(self) -> None:
        """Ends the helper, if this process started one."""
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            command = [sys.executable, "-c", f"from {__name__} import main; main()"]
            pipe, fault = subprocess.PIPE, ""
            try:
                self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603
                self._owner = os.getpid()
                fault = "" if _receive(self._process.stdout)[0] else "it ended at once"
            except OSError as error:
                fault = type(error).__name__
            if fault or self._process is None:
                self._process = None
                raise ConfigurationError(f"the process that decodes lossless JPEG and JPEG-LS cannot be started: {fault}")
        return self._process


HELPER = Helper()
atexit.register(HELPER.close)


def main() -> None:
    """Answers requests on stdin until it closes."""
    quiet()
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the codecs print must not get between the answers
    _send(answers, {"ready": True}, b"")
    while True:
        request, data = _receive(requests)
        if not request:
            return
        answer: dict[str, Any] = {"fault": True}
        payload = b""
        try:
            array, properties = get_decoder(request["syntax"]).as_array(
                encapsulate([data]), index=0, raw=True, decoding_plugin="gdcm", **request["options"]
            )
        except FAULTS:
            array = None
        if array is not None:
            payload = np.ascontiguousarray(array).tobytes()
            answer = {"shape": array.shape, "dtype": array.dtype.str}
            answer["photometric"] = properties["photometric_interpretation"]
        _send(answers, answer, payload)


def _send(stream: IO[bytes] | None, message: dict[str, Any], payload: bytes) -> None:
    if stream is None:
        raise OSError("no pipe")
    stream.write(json.dumps(message | {"bytes": len(payload)}).encode() + b"\n")
    stream.write(payload)
    stream.flush()


def _receive(stream: IO[bytes] | None) -> tuple[dict[str, Any], bytes]:
    line = stream.readline() if stream is not None else b""
    if not line.endswith(b"\n"):
        return {}, b""
    message = json.loads(line)
    payload = stream.read(message["bytes"]) if stream is not None else b""
    return (message, payload) if len(payload) == message["bytes"] else ({}, b"")
