"""The processes of the crash tests of the embedded index, `python -m tests.core.search.writer_kills ROLE PLACE JOURNAL …`.

A host forks writers and has each end by SIGKILL; readers search all the while. The journal, beside the index, tells them what
was begun and what was confirmed: `b 17 s1 s2` before operation 17 writes these studies, `c 17` after it returned.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from medsearch_core.search.embedded import durable
from medsearch_core.search.embedded.index import EmbeddedIndex, open_embedded
from medsearch_core.search.model import Model
from tests.core.search.index_processes import generation

STUDIES = 12
STEPS = ("open", "write", "fsync", "replace", "rename", "unlink")
"""The calls to the system that change something on disk."""

MOMENTS = ("within", "after")
OPERATIONS = ("upsert", "compact", "swap")


class Journal:
    """What was begun and confirmed, by study."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.begun: dict[str, int] = {}
        self.confirmed: dict[str, int] = {}
        self.last: tuple[int, list[str]] = (0, [])
        path.touch()

    def note(self, line: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{line}\n")

    def refresh(self) -> Journal:
        with self._path.open() as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            kind, number, *names = line.split()
            if kind == "b":
                self.last = int(number), names
                self.begun |= dict.fromkeys(names, int(number))
            elif kind == "c" and int(number) == self.last[0]:
                self.confirmed |= dict.fromkeys(self.last[1], int(number))
        return self


class DyingSystem(ModuleType):
    """The module `os` for `durable`: the process is killed after one of its calls, or within one that writes."""

    def __init__(self, at: int, moment: str) -> None:
        super().__init__("os")
        self._at, self._moment, self._calls = at, moment, 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._dying(name, real) if name in STEPS else real

    def _dying(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            self._calls += self._moment != "within" or name == "write"
            if self._calls != self._at or (self._moment == "within" and name != "write"):
                return real(*given)
            half = (given[0], given[1][: len(given[1]) // 2]) if self._moment == "within" else given
            found = real(*half)
            die()
            return found

        return call


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def generations(index: EmbeddedIndex) -> dict[str, int]:
    return {key.study: int(inputs) for key, inputs in index.studies().items()}


def check_nothing_lost_or_made_up(index: EmbeddedIndex, journal: Journal) -> None:
    """The next writer's first look: a study is as was confirmed or begun, and an operation is there whole or not at all."""
    held = generations(index)
    number, names = journal.last
    for name, begun in journal.begun.items():
        assert journal.confirmed.get(name, 0) <= held.get(name, 0) <= begun, (name, held.get(name), number)
    assert len({held.get(name) == number for name in names}) <= 1, (number, names, held)


def write(place: str, journal: Journal, operation: str, number: int) -> None:
    """One operation: rewrites one to five studies; merges them; or builds a release of all studies and puts it in place."""
    index = open_embedded(place)
    check_nothing_lost_or_made_up(index, journal.refresh())
    names = random.Random(number).sample([f"s{n}" for n in range(STUDIES)], 1 + number % 5)  # noqa: S311
    if operation == "upsert":
        journal.note(f"b {number} {' '.join(names)}")
        index.upsert([generation(name, number) for name in names])
        journal.note(f"c {number}")
    elif operation == "compact":
        index.compact()
    else:
        held = generations(index)
        release = index.begin(Model("tiny", "1", 2))
        index.release(release).upsert([generation(name, version) for name, version in held.items()])
        index.finish(release)
        index.publish(release)
        for old in index.releases():
            if not old.is_current:
                index.discard(old.name)


def in_a_fork(work: Callable[[], object], kill_after: float | None = None) -> int:
    """The signal that ended a writer, 0 if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the child must not go on as its parent
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a writer failed")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def host(place: str, journal_path: str, first: str, kills: str) -> None:
    """Kills writers at every call of every operation, then as many again at any moment. Prints how many of each were killed."""
    journal, number = Journal(Path(journal_path)), int(first)
    at_steps, at_random = dict.fromkeys(OPERATIONS, 0), 0

    def dying(operation: str, at: int, moment: str) -> None:
        durable.os = DyingSystem(at, moment)
        write(place, journal, operation, number)

    for operation in OPERATIONS:
        for moment in MOMENTS:
            at = 1
            while True:
                number += 1
                if operation == "compact":
                    for _ in range(2):
                        in_a_fork(lambda: write(place, journal, "upsert", number))  # noqa: B023 - called at once
                        number += 1
                if not in_a_fork(lambda: dying(operation, at, moment)):  # noqa: B023 - called at once
                    break
                at_steps[operation] += 1
                at += 1

    def keep_writing() -> None:
        for more in range(1000):
            write(place, journal, random.choice(("upsert",) * 8 + OPERATIONS), number + more)  # noqa: S311

    for _ in range(int(kills)):
        number += 1000
        at_random += in_a_fork(keep_writing, random.uniform(0.003, 0.2)) == signal.SIGKILL  # noqa: S311
    for operation in ("swap", "upsert"):
        in_a_fork(lambda: write(place, journal, operation, number + 1000))  # noqa: B023 - called at once
    print(json.dumps({"steps": at_steps, "random": at_random}))


def reader(place: str, journal_path: str) -> None:
    """Searches until its input ends. Each search must show each study whole, at one version, never older than before."""
    index, journal, seen, searches = open_embedded(place), Journal(Path(journal_path)), dict[str, int](), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for look in (by_likeness, by_words):
            due = dict(journal.refresh().confirmed)
            found = look(index)
            begun = journal.refresh().begun
            for name, version in found.items():
                assert max(due.get(name, 0), seen.get(name, 0)) <= version <= begun[name], (name, version, seen, due, begun)
            assert due.keys() | seen.keys() <= found.keys(), (due, seen, found)
            seen |= found
            searches += 1
        assert sum(count.count for count in index.facets("positive_signs", size=1000)) >= len(seen)
    print(searches)


def by_likeness(index: EmbeddedIndex) -> dict[str, int]:
    versions: dict[str, list[int]] = {}
    for hit in index.similar([1.0, 0.5], 500):
        versions.setdefault(hit.document.study, []).append(int(hit.document.patient_age_years or 0))
    for name, held in versions.items():
        assert len(set(held)) == 1, (name, held)
        assert len(held) == 2 + held[0] % 3, (name, held)
    return {name: held[0] for name, held in versions.items()}


def by_words(index: EmbeddedIndex) -> dict[str, int]:
    page = index.text("edema", limit=1000)
    found = {hit.document.study: int(hit.document.patient_age_years or 0) for hit in page.hits}
    assert page.total == len(page.hits) == len(found)
    assert all(hit.document.findings == f"generation{found[hit.document.study]} edema" for hit in page.hits)
    return found


if __name__ == "__main__":
    if sys.argv[1] == "host":
        host(*sys.argv[2:])
    else:
        reader(*sys.argv[2:])
