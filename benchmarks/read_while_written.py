"""Reads the search index in one process while another writes: `python benchmarks/read_while_written.py [--seconds 60]`.

The writer rewrites studies, deletes some and adds them again, and compacts now and then; the reader runs every kind of query
and checks that each study is consistent. At the end the counts must match the last writes. `--index` is a folder without an
index, or `http://host:port` of OpenSearch, where an index with a new name is left behind; the default is a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.query import Filters
from medsearch_core.search.releases import ReleasedIndex

STUDIES = 300
DIMENSIONS = 64


def open_at(where: str) -> ReleasedIndex:
    """The index in a folder, or on OpenSearch for `http://host:port|name`."""
    if where.startswith("http"):
        from medsearch_core.search.opensearch.index import open_opensearch
        from medsearch_core.search.opensearch.options import Access, IndexLayout

        url, name = where.split("|")
        return open_opensearch(Access(url=url), IndexLayout(replicas=0), name)
    from medsearch_core.search.embedded.index import open_embedded

    return open_embedded(where)


def study(number: int, generation: int) -> StudyDocuments:
    """A study whose documents all have the generation as age, with 1 to 3 images depending on the generation."""
    key = StudyKey(f"p{number // 3}", f"s{number}")
    vectors = np.random.default_rng(1000 * number + generation % 1000).standard_normal((1 + generation % 3, DIMENSIONS))
    shared: dict[str, Any] = {
        "patient": key.patient,
        "study": key.study,
        "patient_age_years": float(generation),
        "sha256": "0" * 64,
        "source_key": "x",
    }
    images = [
        ImageDocument(
            image_id=f"{key.study}.{n}", report_id=key.study, model_id="m", model_version="1", vector=v.tolist(), **shared
        )
        for n, v in enumerate(vectors)
    ]
    text = f"pleural effusion, generation{generation}"
    report = ReportDocument(
        report_id=key.study, findings=text, text=text, positive_signs=(str(generation),), ner_version="1", **shared
    )
    return StudyDocuments(study=key, images=images, reports=[report], inputs=str(generation))


def write(where: str, seconds: float) -> None:
    """Changes the index for some seconds; prints the number of writes, the errors, and each study's last generation."""
    index, chance, errors, writes = open_at(where), random.Random(0), Counter[str](), 1  # noqa: S311
    held = dict.fromkeys(range(STUDIES), 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        some = chance.sample(range(STUDIES), 10)
        try:
            if writes % 10 == 9:
                index.delete([study(number, 0).study for number in some])
                held = {number: generation for number, generation in held.items() if number not in some}
            else:
                index.upsert([study(number, writes) for number in some])
                held |= dict.fromkeys(some, writes)
            if writes % 50 == 49:
                index.compact()
        except Exception as error:  # noqa: BLE001
            errors[f"{type(error).__name__}: {error}"] += 1
        writes += 1
    print(json.dumps({"writes": writes - 1, "errors": errors, "held": held}))


def read(index: ReleasedIndex, chance: random.Random) -> None:
    """Runs one query; a result with two generations of a study is an error."""
    vector = [chance.gauss(0, 1) for _ in range(DIMENSIONS)]
    some = [f"s{number}" for number in chance.sample(range(STUDIES), 20)]
    questions: list[Callable[[], Any]] = [
        lambda: whole(index.similar(vector, 10, Filters(studies=some[:3]))),
        lambda: whole(index.similar(vector, 500, Filters(min_age_years=chance.randint(0, 50)))),
        lambda: index.text("effusions", limit=20),
        lambda: index.text("effusion", filters=Filters(studies=some)),
        lambda: index.facets("positive_signs", query="pleural"),
        lambda: index.images_of_reports(some),
        lambda: (index.count(), index.health()),
        lambda: (index.images([f"{s}.0" for s in some]), index.vectors([f"{s}.0" for s in some]), index.reports(some)),
    ]
    chance.choice(questions)()


def whole(hits: Sequence[Any]) -> None:
    """
    Raises:
        AssertionError: a study is a mixture of two writes.
    """
    of: dict[str, list[float]] = {}
    for hit in hits:
        of.setdefault(hit.document.study, []).append(hit.document.patient_age_years)
    for ages in of.values():
        if len(set(ages)) > 1 or (len(hits) < 500 and len(ages) != 1 + int(ages[0]) % 3):
            raise AssertionError(f"a study mixes generations: {sorted(ages)}")


def measure(where: str, seconds: float) -> bool:
    """Reads while another process writes; prints the results, and returns whether there were no errors."""
    index, chance, errors, reads, slowest = open_at(where), random.Random(1), Counter[str](), 0, 0.0  # noqa: S311
    index.upsert([study(number, 0) for number in range(STUDIES)])
    writer = subprocess.Popen(  # noqa: S603
        [sys.executable, __file__, "--index", where, "--seconds", str(seconds), "--write"], stdout=subprocess.PIPE, text=True
    )
    while writer.poll() is None:
        start = time.perf_counter()
        try:
            read(index, chance)
        except Exception as error:  # noqa: BLE001
            errors[f"{type(error).__name__}: {error}"] += 1
        slowest = max(slowest, time.perf_counter() - start)
        reads += 1
    assert writer.stdout is not None  # noqa: S101
    written = json.loads(writer.stdout.read())
    held = {f"s{number}": generation for number, generation in written["held"].items()}
    due = {
        "images": sum(1 + generation % 3 for generation in held.values()),
        "reports": len(held),
        "studies": len(held),
    }
    health, count = index.health(), index.count()
    found = {"images": count.images, "reports": count.reports, "studies": health.studies}
    signs = {c.value: c.count for c in index.facets("positive_signs", size=1000)}
    right = found == due and (health.images, health.reports) == (count.images, count.reports)
    right &= index.text("effusion").total == due["reports"]
    right &= signs == Counter(map(str, held.values()))
    right &= {key.study: inputs for key, inputs in index.studies().items()} == {s: str(g) for s, g in held.items()}
    print(f"{where.split('|')[0]}: {seconds:.0f} s, {written['writes']} writes of 10 studies, {reads} reads")
    print(f"slowest read {1000 * slowest:.0f} ms")
    print(f"errors of the reader: {dict(errors) or 'none'}; of the writer: {written['errors'] or 'none'}")
    print(
        f"written at the end: {due}\nfound at the end:   {found}, words, facets and generations {'too' if right else 'DIFFER'}"
    )
    return right and not errors and not written["errors"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Reads the search index in one process while another writes.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--index")
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.index, arguments.seconds)
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        where = arguments.index or folder
        if where.startswith("http"):
            where = f"{where}|bench-{secrets.token_hex(4)}"
        sys.exit(0 if measure(where, arguments.seconds) else 1)
