"""Radiology reports for demo studies in MIMIC-CXR's style: true to what was drawn, with varied wording.

Belongs here: what a report mentions and in which sections. The wording is in `phrases`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medsearch_pipeline.demo.cases import KINDS, Finding, Kind, Physique
from medsearch_pipeline.demo.phrases import (
    ABSENT,
    ABSENT_TOGETHER,
    ADVICE,
    ASIDES,
    CLEAR,
    GONE,
    INDICATIONS,
    NORMAL_HEART,
    PRESENT,
    UNSURE,
    Assertion,
)
from medsearch_pipeline.demo.plan import StudyPlan

Mention = tuple[str, Assertion]

DEGREE = {"small": "mild", "moderate": "moderate", "large": "severe"}
GRADE = {"small": "mildly", "moderate": "moderately", "large": "markedly"}
NODULE_MM = {"small": 15, "moderate": 22, "large": 29}


@dataclass(frozen=True)
class Report:
    """A report's text and what it says about which finding."""

    text: str
    mentions: frozenset[Mention]


class _Writer:
    """Chooses wordings and records what they assert."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.mentions: set[Mention] = set()

    def one_of(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def about(self, finding: Finding, phrases: dict[Kind, tuple[str, ...]], assertion: Assertion) -> str:
        self.mentions.add((finding.kind, assertion))
        text = self.one_of(phrases[finding.kind]).format(
            side=finding.side, size=finding.size, zone=finding.zone, degree=DEGREE[finding.size],
            grade=GRADE[finding.size], mm=NODULE_MM[finding.size],
        )  # fmt: skip
        return text[0].upper() + text[1:]

    def without(self, kinds: Sequence[Kind]) -> list[str]:
        """Negates findings, several in one sentence where that is usual."""
        left, said = list(kinds), []
        together = [(group, text) for group, text in ABSENT_TOGETHER if set(group) <= set(left)]
        if together and self.rng.random() < 0.8:
            group, text = together[int(self.rng.integers(len(together)))]
            said.append(text)
            left = [kind for kind in left if kind not in group]
            self.mentions |= {(kind, "absent") for kind in group}
        for kind in left:
            if kind == "cardiomegaly":
                said.insert(0, self.one_of(NORMAL_HEART))
            elif kind != "pulmonary nodule" or self.rng.random() < 0.25:
                said.append(self.one_of(ABSENT[kind]))
                self.mentions.add((kind, "absent"))
        return said


def write_report(study: StudyPlan, body: Physique, rng: np.random.Generator) -> Report:
    """The report of a study. Most have all sections, some an IMPRESSION only, some no headers at all."""
    writer = _Writer(rng)
    form = rng.random()
    unsure = {f for f in study.findings if rng.random() < (0.45 if f.size == "small" else 0.12)}
    stated = [
        writer.about(f, UNSURE if f in unsure else PRESENT, "possible" if f in unsure else "present") for f in study.findings
    ]
    gone = [writer.about(f, GONE, "historical") for f in study.resolved]
    spared = {f.kind for f in study.findings} | {f.kind for f in study.resolved}
    denied = writer.without([kind for kind in KINDS if kind not in spared])
    advice = [ADVICE[f.kind] for f in study.findings if f.kind in ADVICE and rng.random() < 0.5]
    impression = [*stated, *gone, *advice] if stated or gone else [writer.one_of(CLEAR)]
    if form < 0.10:
        return Report(_layout([("", " ".join([*stated, *gone, *denied]))]), frozenset(writer.mentions))
    if form < 0.22:
        said = [*impression, *denied]
        return Report(_layout([("IMPRESSION", " ".join(said))]), frozenset(writer.mentions))
    again = [
        writer.about(f, UNSURE if f in unsure else PRESENT, "possible" if f in unsure else "present") for f in study.findings
    ]
    aside = [writer.one_of(ASIDES)] if rng.random() < 0.6 else []
    sections = [
        ("EXAMINATION", _examination(study)),
        ("INDICATION", _indication(writer, body)),
        ("TECHNIQUE", _technique(study)),
        ("COMPARISON", f"Chest radiograph from ___{'' if rng.random() < 0.7 else ', at ___'}." if study.has_prior else "None."),
        ("FINDINGS", " ".join([*again, *gone, *denied, *aside])),
        ("IMPRESSION", _numbered(impression) if rng.random() < 0.35 and len(impression) > 1 else " ".join(impression)),
    ]
    if rng.random() < 0.2:
        del sections[2]
    return Report(_layout(sections), frozenset(writer.mentions))


def _examination(study: StudyPlan) -> str:
    views = [image.view for image in study.images]
    if "LATERAL" in views:
        return f"CHEST ({views[0]} AND LAT)"
    return f"CHEST (PORTABLE {views[0]})" if "AP" in views else "CHEST RADIOGRAPH"


def _technique(study: StudyPlan) -> str:
    views = [image.view for image in study.images]
    if "LATERAL" in views:
        return f"Upright {views[0]} and lateral views of the chest"
    return f"Single {'portable ' if 'AP' in views else ''}{views[0] if views else 'frontal'} view of the chest"


def _indication(writer: _Writer, body: Physique) -> str:
    text, mentions = INDICATIONS[int(writer.rng.integers(len(INDICATIONS)))]
    writer.mentions.update(mentions)
    person = "woman" if body.sex == "F" else "man"
    text = text.format(person=person, sex=body.sex)
    return text[0].upper() + text[1:]


def _numbered(sentences: list[str]) -> str:
    return "\n".join(f"{n}. {sentence}" for n, sentence in enumerate(sentences, 1))


def _layout(sections: list[tuple[str, str]]) -> str:
    lines = [f"{'FINAL REPORT':>45}"]
    for title, text in sections:
        paragraphs = text.split("\n")
        inline = title in {"EXAMINATION", "INDICATION", "TECHNIQUE", "COMPARISON"}
        if inline:
            paragraphs[0] = f"{title}:  {paragraphs[0]}"
        elif title:
            lines += [f" {title}:", " "]
        for paragraph in paragraphs:
            lines += [f" {line}" for line in textwrap.wrap(paragraph, 76)]
        lines.append(" ")
    return "\n".join(lines).rstrip() + "\n"
