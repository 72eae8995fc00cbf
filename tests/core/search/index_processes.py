"""The other processes of the index tests, `python index_processes.py ROLE PLACE …`, and how they are started."""

from __future__ import annotations

import select
import subprocess
import sys
import time

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.index import SearchIndex
from tests.core.search.index_places import open_at
from tests.core.search.search_documents import image, report
from tests.support.paths import PROJECT_ROOT

STUDIES = 8

Process = subprocess.Popen[str]


def start(role: str, place: str, *arguments: object) -> Process:
    """A concurrent process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.core.search.index_processes", role, place, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT,
    )  # fmt: skip


def finish(process: Process) -> str:
    """The output of a process after it ended without error. Closes its input, which ends a process that waits for that."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out.strip()


def generation(name: str, number: int) -> StudyDocuments:
    """A study whose documents all contain the generation's number, which also determines the number of images."""
    key, age = StudyKey("p1", name), float(number)
    images = [image(key, str(n), patient_age_years=age, vector=[1.0, n + number / 1000]) for n in range(2 + number % 3)]
    texts = [report(key, findings=f"generation{number} edema", patient_age_years=age, positive_signs=[str(number)])]
    return StudyDocuments(study=key, images=images, reports=texts, inputs=str(number))


def rewrite(place: str) -> None:
    """Writes generation after generation of the same studies, and compacts now and then, until its input ends."""
    index, number = open_at(place), 1
    while not select.select([sys.stdin], [], [], 0)[0]:
        index.upsert([generation(f"s{n}", number) for n in range(STUDIES)])
        if number % 5 == 0:
            index.compact()
        number += 1
    print(number - 1)


def add(place: str, prefix: str, count: int) -> None:
    """Adds studies of its own one at a time, and rewrites one shared study each time."""
    index = open_at(place)
    for n in range(count):
        index.upsert([generation(f"{prefix}{n}", 1), generation("shared", n * 10 + ord(prefix) % 10)])
    print("done")


def load(place: str, count: int, each: int) -> None:
    """Writes studies, several per commit, until it is killed or done."""
    index = open_at(place)
    print("started", flush=True)
    for first in range(0, count, each):
        index.upsert([generation(f"s{n}", 1) for n in range(first, first + each)])
    print("done", flush=True)


def hang(place: str) -> None:
    """Starts to publish a release and never finishes."""

    def wait(release: SearchIndex) -> None:
        release.upsert([generation("s1", 1)])
        print("hanging", flush=True)
        time.sleep(600)

    index = open_at(place)
    index.publish(index.begin(None), wait)


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    if role == "rewrite":
        rewrite(where)
    elif role == "add":
        add(where, rest[0], int(rest[1]))
    elif role == "hang":
        hang(where)
    else:
        load(where, int(rest[0]), int(rest[1]))
