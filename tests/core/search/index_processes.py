"""What the other processes of the embedded index's tests run: `python index_processes.py ROLE FOLDER …`."""

from __future__ import annotations

import sys
import time

from search_documents import image, report

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.embedded import open_embedded

STUDIES = 8


def generation(name: str, number: int) -> StudyDocuments:
    """A study all of whose documents carry the generation's number, and whose number of images changes with it."""
    key, age = StudyKey("p1", name), float(number)
    images = [image(key, str(n), patient_age_years=age, vector=[1.0, n + number / 1000]) for n in range(2 + number % 3)]
    texts = [report(key, findings=f"generation{number} edema", patient_age_years=age, positive_signs=[str(number)])]
    return StudyDocuments(study=key, images=images, reports=texts, inputs=str(number))


def rewrite(folder: str, seconds: float) -> None:
    """Writes generation after generation of the same studies, and compacts now and then."""
    index, number, end = open_embedded(folder), 1, time.monotonic() + seconds
    while time.monotonic() < end:
        index.upsert([generation(f"s{n}", number) for n in range(STUDIES)])
        if number % 5 == 0:
            index.compact()
        number += 1
    print(number - 1)


def add(folder: str, prefix: str, count: int) -> None:
    """Adds studies of its own one at a time, and rewrites one shared study each time."""
    index = open_embedded(folder)
    for n in range(count):
        index.upsert([generation(f"{prefix}{n}", 1), generation("shared", n * 10 + ord(prefix) % 10)])
    print("done")


def load(folder: str, count: int) -> None:
    """Writes studies, many a commit, until it is killed or done."""
    index = open_embedded(folder)
    print("started", flush=True)
    for first in range(0, count, 20):
        index.upsert([generation(f"s{n}", 1) for n in range(first, first + 20)])
    print("done", flush=True)


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    if role == "rewrite":
        rewrite(where, float(rest[0]))
    elif role == "add":
        add(where, rest[0], int(rest[1]))
    else:
        load(where, int(rest[0]))
