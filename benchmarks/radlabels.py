"""Measures the reader against radlabels: `python -m benchmarks.radlabels FOLDER [--unread FILE] [--misses FILE]`.

FOLDER holds radlabels 0.2.0 (MIT): 649 phrases that radiologists wrote for 49 labels, and 1,000 synthetic reports that it
has labeled. Get it by `pip install --target FOLDER --no-deps radlabels==0.2.0`. `radlabels.csv` says what its labels are
called here.

1. How many of the phrases are read, each alone as "There is PHRASE.", as a concept that means the label, present or historical.
2. How far reader and labels agree over the reports. Present is what the report as a whole says is present; also, as the reader
   itself counts, what is probable; or whatever is uncertain. A label counts where radlabels says "definitely present", which it
   says of "may represent atelectasis" too. Its labels are a program's: this is agreement of two readers.
"""

from __future__ import annotations

import argparse
import csv
import json
import runpy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from medsearch_core.reports.data_files import read_rows
from medsearch_core.reports.evaluation.scores import ABLATIONS
from medsearch_core.reports.evaluation.texts import ReadText, read_text, read_texts
from medsearch_core.reports.lexicon.hierarchy import ancestors
from medsearch_core.reports.lexicon.vocabulary import vocabulary
from medsearch_core.reports.resolve import resolve_concepts

MAPPING = Path(__file__).with_suffix(".csv")
IS_READ = {"present", "historical"}
COUNTED = {
    "present": "probable is uncertain",
    "present or probable": "all rules",
    "present or uncertain": "no uncertainty",
}
"""What counts as present → the ablation that counts it."""

Concepts = dict[str, frozenset[str]]
Disagreement = tuple[str, str, str, str]
"""Label, report, kind and the mentions."""


def read_mapping() -> tuple[Concepts, Concepts]:
    """Label → the concepts its phrases may be read as; and of labels that are compared, the concepts that mean it."""
    rows = read_rows(MAPPING)
    read_as, same_as = (
        {row["label"]: frozenset(filter(None, row[column].split("|"))) for row in rows} for column in ("read_as", "same_as")
    )
    unknown = sorted(frozenset().union(*read_as.values(), *same_as.values()) - set(vocabulary().concepts))
    if unknown:
        raise SystemExit(f"{MAPPING} names concepts that the vocabulary does not have: {', '.join(unknown)}")
    return read_as, {label: concepts for label, concepts in same_as.items() if concepts}


def judge_phrases(aliases: Mapping[str, Iterable[str]], read_as: Concepts) -> list[tuple[str, str, str]]:
    """Each phrase that is not read as its label: label, phrase and what it is read as."""
    found = []
    for label, phrases in aliases.items():
        for phrase in phrases:
            entities = read_text(f"There is {phrase}.", "phrase").entities
            if not any(is_read_as(e.concept, read_as[label]) and e.assertion in IS_READ for e in entities):
                found.append((label, phrase, ", ".join(f"{e.concept}, {e.assertion}" for e in entities)))
    return found


def is_read_as(concept: str, concepts: frozenset[str]) -> bool:
    """Whether a concept, or a broader one, is among these: a scapula fracture is a fracture."""
    return not concepts.isdisjoint([concept, *ancestors(concept)])


def compare(
    read: Mapping[str, ReadText], labels: Mapping[str, set[str]], same_as: Concepts, ablation: str
) -> dict[str, tuple[int, int, int, list[Disagreement]]]:
    """Label → hits, false alarms, misses, and the disagreements."""
    present = {
        name: {
            concept
            for concept, (status, _) in resolve_concepts(ABLATIONS[ablation](report.entities), report.sections).items()
            if status == "present"
        }
        for name, report in read.items()
    }
    found = {}
    for label, concepts in same_as.items():
        said = {name for name in read if label in labels[name]}
        predicted = {name for name in read if present[name] & concepts}
        disagreements = [
            (label, name, "false alarm" if name in predicted else "miss", describe_mentions(read[name], concepts))
            for name in sorted(said ^ predicted)
        ]
        found[label] = (len(said & predicted), len(predicted - said), len(said - predicted), disagreements)
    return found


def describe_mentions(read: ReadText, concepts: frozenset[str]) -> str:
    """The mentions of some concepts, each with its assertion, section and cue."""
    return "; ".join(
        f"{e.text!r} {e.assertion}{f' by {e.cue!r}' if e.cue else ''} in {e.section or 'the text'}"
        for e in read.entities
        if e.concept in concepts
    )


def ratios(counts: Sequence[int]) -> str:
    """Precision, recall and F1 of hits, false alarms and misses, as cells."""
    hits, alarms, misses = counts
    values = ((hits, hits + alarms), (hits, hits + misses), (2 * hits, 2 * hits + alarms + misses))
    return " | ".join(f"{over / under:.3f}" if under else "-" for over, under in values)


def main() -> None:
    """Measures both and prints Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where radlabels is installed")
    parser.add_argument("--unread", type=Path, metavar="FILE", help="write the phrases that are not read")
    parser.add_argument("--misses", type=Path, metavar="FILE", help="write every disagreement with its mentions as CSV")
    given = parser.parse_args()
    package = given.folder / "radlabels"
    if not (package / "aliases.py").is_file():
        raise SystemExit(f"{given.folder} holds no radlabels: pip install --target {given.folder} --no-deps radlabels==0.2.0")
    read_as, same_as = read_mapping()
    aliases = {label: entry["aliases"] for label, entry in runpy.run_path(str(package / "aliases.py"))["ALIASES"].items()}
    total = sum(map(len, aliases.values()))
    unread = judge_phrases(aliases, read_as)
    elsewhere = sum(bool(as_what) for *_, as_what in unread)
    print(f"{total - len(unread)} of {total} phrases are read as their label, {elsewhere} as something else\n")
    lines = [f"{label}: {phrase}{f' (read as {as_what})' if as_what else ''}" for label, phrase, as_what in unread]
    if given.unread:
        given.unread.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        print("\n".join(f"- {line}" for line in lines) + "\n")

    said = json.loads((package / "samples" / "synthetic_labels.json").read_text(encoding="utf-8"))
    labels = {name: {label for label, status in of.items() if status == "definitely present"} for name, of in said.items()}
    reports = package / "samples" / "synthetic_reports"
    read = read_texts({name: (reports / f"{name}.txt").read_text(encoding="utf-8") for name in labels})
    print(f"{len(same_as)} labels over {len(read)} reports, {sum(r.not_read is not None for r in read.values())} not read\n")
    compared = {counted: compare(read, labels, same_as, ablation) for counted, ablation in COUNTED.items()}
    print("| counted as present | hits | false alarms | misses | precision | recall | F1 |\n|---|--:|--:|--:|--:|--:|--:|")
    for counted, by_label in compared.items():
        totals = [sum(column) for column in zip(*((h, a, m) for h, a, m, _ in by_label.values()), strict=True)]
        print(f"| {counted} | {totals[0]} | {totals[1]} | {totals[2]} | {ratios(totals)} |")
    print("\n| label | reports | false alarms | misses | precision | recall | F1 |\n|---|--:|--:|--:|--:|--:|--:|")
    for label, (hits, alarms, misses, _) in compared["present or probable"].items():
        print(f"| {label} | {hits + misses} | {alarms} | {misses} | {ratios((hits, alarms, misses))} |")
    if given.misses:
        with given.misses.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("label", "report", "kind", "mentions"))
            writer.writerows(row for *_, rows in compared["present or probable"].values() for row in rows)


if __name__ == "__main__":
    main()
