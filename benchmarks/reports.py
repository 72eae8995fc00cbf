"""Measures the reader of reports: `python benchmarks/reports.py [--reports 2000] [--folder FOLDER] [--profile]`.

Reports are put together from the sentences of the marked corpus, eight findings and three impressions each, or are the `.txt`
files of a folder. Compared with a plain regular expression over the same vocabulary, in the same process, which finds phrases
and nothing else: no sections, no assertion, no qualifiers, no status. One core, processor time. Prints Markdown.
"""

from __future__ import annotations

import argparse
import cProfile
import csv
import platform
import pstats
import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from medsearch_core.reports import data_files
from medsearch_core.reports.evaluation.corpus import read_annotated_mentions
from medsearch_core.reports.read import NER_VERSION, read_report
from medsearch_core.reports.text.phrases import spellings

CORPUS = Path(__file__).parents[1] / "tests" / "core" / "reports" / "corpus.csv"
ROUNDS = 2
PROFILED = 12


def made_reports(count: int) -> list[str]:
    """Reports of the corpus's own sentences, always the same."""
    with CORPUS.open(encoding="utf-8", newline="") as file:
        sentences = [
            row.text for row in read_annotated_mentions(csv.DictReader(file)) if "\n" not in row.text and ":" not in row.text
        ]
    chance = random.Random(0)  # noqa: S311 - which sentences, nothing secret
    return [
        "EXAMINATION: Chest.\n\nINDICATION: Cough.\n\nCOMPARISON: None.\n\nFINDINGS: "
        + " ".join(chance.sample(sentences, 8))
        + "\n\nIMPRESSION: "
        + " ".join(chance.sample(sentences, 3))
        for _ in range(count)
    ]


def plain_expression() -> re.Pattern[str]:
    """Every spelling of every phrase of the vocabulary, longest first; a gap is that many words of any kind."""
    spelled = {
        tuple(words)
        for row in data_files.rows("vocabulary.csv")
        for phrase in row["phrases"].split("|")
        for words in spellings(phrase)
    }
    return re.compile(r"\b(?:" + "|".join(map(_expression, sorted(spelled, key=len, reverse=True))) + r")s?\b", re.IGNORECASE)


def _expression(words: Sequence[str]) -> str:
    joined = ""
    for word in words:
        joined += rf"(?:\W+\w+){{0,{word[1:]}}}" if word.startswith("~") else (r"s?\W+" if joined else "") + re.escape(word)
    return joined


def best_seconds(work: Callable[[str], object], texts: Sequence[str]) -> float:
    """Processor time of the fastest of some rounds over all texts."""
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for text in texts:
            work(text)
        times.append(time.process_time() - started)
    return min(times)


def read(text: str) -> object:
    """One report, read whole."""
    return read_report(text.encode(), report_id="s1", patient="p1", study="s1", key="p1/s1.txt")


def main() -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=1000, help="reports to put together")
    parser.add_argument("--folder", type=Path, help="a folder of .txt reports to read in their place")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    given = parser.parse_args()
    texts = (
        [p.read_text(encoding="utf-8") for p in sorted(given.folder.glob("*.txt"))]
        if given.folder
        else made_reports(given.reports)
    )
    expression = plain_expression()
    seconds = {
        "plain regular expression": best_seconds(lambda text: [m.span() for m in expression.finditer(text)], texts),
        f"reader {NER_VERSION}": best_seconds(read, texts),
    }
    characters = sum(map(len, texts)) / len(texts)
    print(f"{len(texts)} reports of {characters:.0f} characters, one core, Python {platform.python_version()}\n")
    print("| | reports/s | times the plain expression's speed |\n|---|---:|---:|")
    plain = seconds["plain regular expression"]
    for name, taken in seconds.items():
        print(f"| {name} | {len(texts) / taken:.0f} | {plain / taken:.1f} |")
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: [read(text) for text in texts])
        pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILED)


if __name__ == "__main__":
    main()
