"""The script of the day: what arrives when, what goes wrong, and what must come of every object in the end. Pure and seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from medsearch_core.keys import StudyKey
from tests.support.landing import REPORT, folder_of, image_bytes, sop_instance_uid

Verb = Literal[
    "put",
    "put silently",
    "delete",
    "send duplicate",
    "send stale removal",
    "send poison",
    "take ledger",
    "kill run",
    "kill daemon",
    "start daemon",
]
REPORTS = (
    REPORT,
    "FINDINGS: The lungs are clear. Heart size is normal.\nIMPRESSION: No acute cardiopulmonary process.\n",
    "FINDINGS: Mild cardiomegaly. No pleural effusion.\nIMPRESSION: Cardiomegaly without edema.\n",
)
POISON = ("this is no JSON {", '{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}]}', "[]")


@dataclass(frozen=True)
class Step:
    """One thing that happens `at` seconds after the day began. `put silently` is an upload whose notification is lost."""

    at: float
    verb: Verb
    key: str = ""
    data: bytes = b""


@dataclass
class Expected:
    """What must come of the landed objects: key → state, and reason of those that are not indexed; keys of tombstones."""

    states: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    superseded: set[str] = field(default_factory=set)

    @property
    def images(self) -> int:
        """How many images the index must hold: every used object that is no report has one."""
        return sum(state == "indexed" and not key.endswith(".txt") for key, (state, _) in self.states.items())

    @property
    def reports(self) -> int:
        """How many reports the index must hold."""
        return sum(state == "indexed" and key.endswith(".txt") for key, (state, _) in self.states.items())


@dataclass
class Day:
    """The steps of a day in the order of their times, and what must come of them."""

    steps: list[Step]
    expected: Expected


class _Script:
    def __init__(self, studies: int, seconds: float, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.seconds = seconds
        self.steps: list[Step] = []
        self.expected = Expected()
        self.studies = [self._study(n) for n in range(studies)]

    def _study(self, number: int) -> StudyKey:
        return StudyKey(f"p{10_000_000 + number // 3:08d}", f"s{50_000_000 + number:08d}")

    def put(
        self, at: float, key: str, data: bytes, state: str = "indexed", reason: str | None = None, *, is_silent: bool = False
    ) -> None:
        self.steps.append(Step(at, "put silently" if is_silent else "put", key, data))
        self.expected.states[key] = (state, reason)

    def delete(self, at: float, key: str) -> None:
        self.steps.append(Step(at, "delete", key))
        self.expected.states.pop(key)
        self.expected.deleted.add(key)

    def replace(self, at: float, key: str, data: bytes) -> None:
        self.put(at, key, data)
        self.expected.superseded.add(key)

    def image_key(self, study: StudyKey, number: int = 1) -> str:
        return f"{folder_of(study)}/{sop_instance_uid(study, number)}.dcm"

    def report_key(self, study: StudyKey) -> str:
        return f"{folder_of(study)}.txt"

    def report(self) -> bytes:
        return self.random.choice(REPORTS).encode()


def plan(studies: int, seconds: float, seed: int = 7) -> Day:
    """A day of so many studies, which arrive in the first three quarters of its seconds; changes come as soon as they may."""
    script = _Script(studies, seconds, seed)
    kinds = [_plain, _plain, _report_first, _growing, _plain, _by_header, _bad_files, _plain, _in_two_folders, _plain, _silent]
    for number, study in enumerate(script.studies):
        kinds[number % len(kinds)](script, study, 0.7 * seconds * number / studies)
    _changes(script)
    _shared_ids(script)
    script.put(0.1 * seconds, "index.html", b"<html>", "excluded", "unrecognised_object")
    script.put(0.2 * seconds, "notes/nobody's report é+.txt", REPORT.encode(), "rejected", "report_without_study")
    for n, body in enumerate(POISON):
        script.steps.append(Step((0.3 + n / 10) * seconds, "send poison", data=body.encode()))
    _noise(script, max(20, studies // 5))
    faults: dict[Verb, float] = {"kill run": 0.35, "take ledger": 0.5, "kill daemon": 0.55, "start daemon": 0.6}
    script.steps.extend(Step(at * seconds, verb) for verb, at in faults.items())
    return Day(sorted(script.steps, key=lambda s: s.at), script.expected)


def _plain(script: _Script, study: StudyKey, at: float) -> None:
    script.put(at, script.image_key(study), image_bytes(study))
    script.put(at + 0.2, script.report_key(study), script.report())


def _report_first(script: _Script, study: StudyKey, at: float) -> None:
    """The report long before the image: its study is ingested twice."""
    script.put(at, script.report_key(study), script.report())
    script.put(at + 0.2 * script.seconds, script.image_key(study), image_bytes(study))


def _growing(script: _Script, study: StudyKey, at: float) -> None:
    """Three images over a while, then the report."""
    for number in (1, 2, 3):
        script.put(at + 2 * number, script.image_key(study, number), image_bytes(study, number))
    script.put(at + 8, script.report_key(study), script.report())


def _by_header(script: _Script, study: StudyKey, at: float) -> None:
    """Keys that spell no study; the report comes first and waits for a study that carries its name."""
    of = f"scanner 7/{study.study[1:]}"
    script.put(at, f"{of}/reports/{study.study}.txt", script.report())
    script.put(at + 0.1 * script.seconds, f"{of}/IM+1", image_bytes(study))


def _bad_files(script: _Script, study: StudyKey, at: float) -> None:
    """A good image and its report among files that cannot be used."""
    whole = image_bytes(study)
    _plain(script, study, at)
    script.put(at, f"{folder_of(study)}/broken.dcm", b"%PDF-1.7", "rejected", "not_dicom")
    script.put(at, f"{folder_of(study)}/cut.dcm", image_bytes(study, 2)[: len(whole) // 2], "rejected", "truncated_pixel_data")
    script.put(at, f"{folder_of(study)}/empty.dcm", b"", "rejected", "empty_object")
    script.put(at + 1, f"{folder_of(study)}/zz-again.dcm", whole, "excluded", "duplicate_object")


def _in_two_folders(script: _Script, study: StudyKey, at: float) -> None:
    """One study under two roots: one image in each."""
    _plain(script, study, at)
    script.put(at + 0.1 * script.seconds, f"archive/{script.image_key(study, 2)}", image_bytes(study, 2))


def _silent(script: _Script, study: StudyKey, at: float) -> None:
    """Uploads nobody is notified of."""
    script.put(at, script.image_key(study), image_bytes(study), is_silent=True)
    script.put(at, script.report_key(study), script.report(), is_silent=True)


def _changes(script: _Script) -> None:
    """Re-uploads, deletions and moves of plain studies, soon after they arrived or much later."""
    of_kind = [s for n, s in enumerate(script.studies) if n % 11 in (0, 1, 4, 7, 9)]
    script.random.shuffle(of_kind)
    turns = iter(of_kind[: len(of_kind) // 2])
    arrived = {script.image_key(s): 0.7 * script.seconds * n / len(script.studies) for n, s in enumerate(script.studies)}

    def take(share: float) -> Iterator[tuple[StudyKey, float]]:
        for _ in range(max(1, int(share * len(script.studies)))):
            study = next(turns)
            at = arrived[script.image_key(study)]
            yield study, at + script.random.choice((1.0, 0.25 * script.seconds))

    for study, at in take(0.02):
        same = {"SOPInstanceUID": sop_instance_uid(study)}
        script.replace(at, script.image_key(study), image_bytes(study, 9, **same))
    for study, at in take(0.02):
        script.steps.append(Step(at, "put", script.image_key(study), image_bytes(study)))
    for study, at in take(0.02):
        script.delete(at, script.report_key(study))
    for study, at in take(0.02):
        script.delete(at, script.image_key(study))
        script.delete(at + 0.3, script.report_key(study))
    for study, at in take(0.02):
        moved = f"archive/{script.image_key(study)}"
        script.put(at, moved, image_bytes(study))
        script.delete(at + 0.1, script.image_key(study))


def _shared_ids(script: _Script) -> None:
    """Other patients' studies under ids that are taken."""
    for n, study in enumerate(script.studies[:: max(1, len(script.studies) // 4)]):
        other = StudyKey(f"p{90_000_000 + n}", study.study)
        image = image_bytes(other, 1, SOPInstanceUID=f"2.25.9{n}", StudyInstanceUID=f"2.25.8{n}")
        script.put((0.2 + n / 10) * script.seconds, f"{folder_of(other)}/other.dcm", image)
        script.put((0.25 + n / 10) * script.seconds, script.report_key(other), script.report())


def _noise(script: _Script, count: int) -> None:
    """Notifications that come twice, or late: of objects that are there and said to be gone, and the other way round."""
    puts = [s for s in script.steps if s.verb == "put"]
    at = partial(script.random.uniform, 0.1 * script.seconds, script.seconds)
    for step in script.random.choices(puts, k=count):
        script.steps.append(Step(at(), "send duplicate", step.key))
    for step in script.random.choices(puts, k=count // 4):
        script.steps.append(Step(at(), "send stale removal", step.key))
