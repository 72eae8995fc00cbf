"""Measures the reader of reports: `python -m benchmarks.reports [GOLD] [--reports FOLDER] [--peers PYTHON] [--profile]`.

1. Speed, beside a plain regular expression over the same vocabulary in the same process, which finds phrases and nothing else:
   no sections, no assertion, no qualifiers, no status. Reports are the `.txt` files of FOLDER; without one they are put
   together from the sentences of the marked corpus, eight findings and three impressions each.
2. Growth: the time for texts of 20 kB, 40 kB and so on. Twice the text should take twice the time.
3. With GOLD and FOLDER as of `medsearch evaluate reports`: precision, recall, F1 and speed beside medspaCy's ConText and
   negspacy. They get the very phrases that this reader found in these reports, so that what is compared is what is said of a
   phrase, and they read the findings and the impression alone, for they know no sections. A finding is theirs where one mention
   of it is present. PYTHON is that of the environment they are installed in: report_peers.py says how.

One core, processor time. Prints Markdown.
"""

from __future__ import annotations

import argparse
import cProfile
import csv
import json
import platform
import pstats
import random
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import report_peers
from medsearch_core.records import EntityRecord, ReportRecord
from medsearch_core.reports import data_files
from medsearch_core.reports.evaluation.corpus import read_annotated_mentions
from medsearch_core.reports.evaluation.scores import ABLATIONS, concepts_of_findings, predict, score
from medsearch_core.reports.evaluation.texts import ReadText
from medsearch_core.reports.read import NER_VERSION, read_report
from medsearch_core.reports.text.phrases import spellings
from medsearch_core.reports.text.sections import split_sections
from medsearch_pipeline.cli.gold_files import read_gold, read_gold_text, read_truth

CORPUS = Path(__file__).parents[1] / "tests" / "core" / "reports" / "corpus.csv"
PEERS = Path(report_peers.__file__)
ROUNDS = 2
PROFILED = 12
SIZES = (20, 40, 80, 160, 320)
"""Sizes of the texts of which growth is measured, in kB."""

Read = dict[str, tuple[ReportRecord, list[EntityRecord]]]


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


def read(text: str) -> tuple[ReportRecord, list[EntityRecord]]:
    """One report, read whole."""
    return read_report(text.encode(), report_id="s1", patient="p1", study="s1", key="p1/s1.txt")


def has_words(text: str) -> bool:
    """Whether there is anything to read; some reports of Open-i are empty."""
    return any(map(str.isalnum, text))


def print_speed(texts: Sequence[str]) -> None:
    """Speed beside a plain regular expression."""
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


def print_growth(report: str) -> None:
    """The time of longer and longer texts, each with its ratio to the one before."""
    words = " ".join(re.findall(r"\w+", report)).lower() + " "
    kinds = {
        "reports on end": report + "\n\n",
        "no punctuation": words,
        "lines without an end": words.replace(" ", "\n"),
        "one negated list": "no effusion, pneumothorax, edema or ",
    }
    print(f"\n| kB | {' | '.join(f'{kind}, s | times' for kind in kinds)} |\n|--:|{'--:|--:|' * len(kinds)}")
    before: dict[str, float] = {}
    for size in SIZES:
        cells = []
        for kind, text in kinds.items():
            whole = (text * (size * 1000 // len(text) + 1))[: size * 1000]
            taken = best_seconds(read, [whole])
            cells.append(f"{taken:.2f} | {f'{taken / before[kind]:.1f}' if kind in before else ''}")
            before[kind] = taken
        print(f"| {size} | {' | '.join(cells)} |")


def findings_of_phrases(found: Read, findings: Sequence[str]) -> dict[str, set[str]]:
    """Each phrase that was read as a finding at least once, not denied in itself, in lower case → the findings."""
    of_concept = {concept: finding for finding in findings for concept in concepts_of_findings()[finding]}
    phrases: dict[str, set[str]] = defaultdict(set)
    for _, entities in found.values():
        for e in entities:
            if e.concept in of_concept and e.assertion in ("present", "uncertain"):
                phrases[" ".join(e.text.lower().split())].add(of_concept[e.concept])
    return phrases


def print_peers(python: str, truth: Mapping[str, Mapping[str, bool]], texts: Mapping[str, str]) -> None:
    """Scores and speed beside other readers."""
    findings = list(next(iter(truth.values())))
    started = time.process_time()
    found = {name: read(text) for name, text in texts.items() if has_words(text)}
    seconds = time.process_time() - started
    phrases = findings_of_phrases(found, findings)
    theirs = {name: "" for name in texts}
    theirs |= {name: "\n\n".join(filter(None, (r.findings, r.impression))) for name, (r, _) in found.items()}
    asked = json.dumps({"texts": theirs, "phrases": sorted(phrases)})
    answered = subprocess.run([python, str(PEERS)], input=asked, capture_output=True, text=True)  # noqa: S603 - named by the user
    if answered.returncode:
        raise SystemExit(f"{python} cannot run {PEERS.name}: {answered.stderr.strip().splitlines()[-1]}")
    peers = json.loads(answered.stdout)
    rows: list[tuple[str, list[list[bool]], float]] = []
    nothing = {name: ReadText(text, [], []) for name, text in texts.items()}
    ours = nothing | {name: ReadText(r.text, split_sections(r.text), entities) for name, (r, entities) in found.items()}
    for rules in ("all rules", "probable is uncertain", "no uncertainty"):
        name = f"medsearch, {rules}"
        rows.append((name, [predict(each, findings, ABLATIONS[rules]) for each in ours.values()], seconds))
    for peer, answer in peers.items():
        for name, states in _counted(peer):
            predicted = [_predict(answer["mentions"][report], phrases, findings, states) for report in texts]
            rows.append((f"{peer} {answer['version']}, {name}", predicted, answer["seconds"]))
    gold = np.array([[truth[name][f] for f in findings] for name in texts], dtype=bool)
    print(f"\n{len(texts)} reports, {int(gold.sum())} positive labels, {len(phrases)} phrases\n")
    print("| | micro P | R | F1 (95 %) | macro P | R | F1 | reports/s | medsearch is |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, predicted, taken in rows:
        *_, micro, macro = score(gold, np.array(predicted, dtype=bool), findings)
        f1 = f"{micro.f1:.3f} ({micro.f1_interval[0]:.3f}-{micro.f1_interval[1]:.3f})"
        scores = (
            f"{micro.precision:.3f} | {micro.recall:.3f} | {f1} | {macro.precision:.3f} | {macro.recall:.3f} | {macro.f1:.3f}"
        )
        print(f"| {name} | {scores} | {len(texts) / taken:.0f} | {taken / seconds:.1f} times as fast |")
    if missing := [peer for peer in report_peers.PEERS if peer not in peers]:
        print(f"\nNot installed in {python}: {', '.join(missing)}. Give --peers PYTHON; {PEERS.name} says how to install them.")


def _counted(peer: str) -> Iterator[tuple[str, set[str]]]:
    """What is counted as present: all that a peer does not say otherwise of, and all that it does not negate."""
    if peer == "medspacy":
        yield "ConText", {"present"}
    yield "negation alone", {"present", *report_peers.STATES} - {"negated"}


def _predict(
    mentions: Sequence[tuple[str, str]], phrases: Mapping[str, set[str]], findings: Sequence[str], states: set[str]
) -> list[bool]:
    said = {f for phrase, state in mentions if state in states for f in phrases.get(" ".join(phrase.lower().split()), ())}
    return [finding in said for finding in findings]


def main() -> None:
    """Runs what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path, nargs="?", metavar="GOLD", help="gold standard of whole reports")
    parser.add_argument("--reports", type=Path, metavar="FOLDER", help="folder of the reports")
    parser.add_argument("--made", type=int, default=1000, help="reports to put together where there is no FOLDER")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON", help="Python that has medspaCy and negspacy")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    given = parser.parse_args()
    if given.gold and not given.reports:
        parser.error("GOLD names reports: say where they are with --reports FOLDER")
    truth = read_truth(given.gold, read_gold(given.gold)) if given.gold else {}
    named = {name: read_gold_text(given.reports, name) for name in truth}
    files = sorted(given.reports.glob("*.txt")) if given.reports else []
    texts = list(named.values()) or [p.read_text(encoding="utf-8") for p in files] or made_reports(given.made)
    texts = list(filter(has_words, texts))
    print_speed(texts)
    print_growth(max(made_reports(20), key=len))
    if truth:
        print_peers(given.peers, truth, named)
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: [read(text) for text in texts])
        pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILED)


if __name__ == "__main__":
    main()
