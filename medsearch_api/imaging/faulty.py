"""Objects that ended the process which decoded them: for a while they are refused at once, instead of ending another."""

from __future__ import annotations

import time
from collections import OrderedDict

from medsearch_api.backends.tables import ImageSource
from medsearch_api.imaging.decoding import Task
from medsearch_core.errors import MedsearchError

SECONDS = 600
MAX_OBJECTS = 1000


class FaultyObjects:
    """The errors of objects by digest, frame and kind of task: another picture of the frame meets the same fault."""

    def __init__(self) -> None:
        self._errors: OrderedDict[tuple[str, int, str], tuple[float, MedsearchError]] = OrderedDict()

    def check(self, task: Task, source: ImageSource) -> None:
        """Raise the error that this object met before, if it did so in the last `SECONDS`."""
        known = self._errors.get(key := _key(task, source))
        if known is None:
            return
        if time.monotonic() - known[0] < SECONDS:
            raise known[1].with_traceback(None)
        del self._errors[key]

    def add(self, task: Task, source: ImageSource, error: MedsearchError) -> MedsearchError:
        """Remember an object's error, and return it."""
        self._errors[_key(task, source)] = time.monotonic(), error
        while len(self._errors) > MAX_OBJECTS:
            self._errors.popitem(last=False)
        return error


def _key(task: Task, source: ImageSource) -> tuple[str, int, str]:
    return source.sha256, source.frame, type(task).__name__
