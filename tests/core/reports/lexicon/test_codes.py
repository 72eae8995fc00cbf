"""The code of a concept fits its words: its side, its level of the spine, and whether it is old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest

from medsearch_core.reports.lexicon.vocabulary import Link, vocabulary

OLD = ("old", "healed", "healing", "chronic", "remote")
NOT_THORACIC = ("lumbar", "l1", "l3", "l5", "cervical", "c2", "c5", "c7")
OTHER_LEVELS = re.compile(r"thoracic|cervical|lumbar")


@pytest.fixture(scope="module")
def icd() -> object:
    return pytest.importorskip("simple_icd_10_cm", reason="official ICD-10-CM descriptions")


def ways_to_say(links: list[Link]) -> Iterator[set[str]]:
    """The fewest words that reach each row of a concept: one of every group, each group's first and last."""
    for link in links:
        groups = [sorted(group) for group in link.qualifier]
        for words in product(*({group[0], group[-1]} for group in groups)):
            yield set(words)


def test_what_is_old_or_healing_is_never_an_initial_encounter() -> None:
    known, wrong = vocabulary(), []
    for concept, links in known.links.items():
        for words in ways_to_say(links):
            wrong += [
                (concept, word, said)
                for word in OLD
                if "initial encounter" in ((said := known.link(concept, words | {word}).description) or "")
            ]
    assert wrong == []


@pytest.mark.parametrize("word", NOT_THORACIC)
def test_no_code_is_of_the_thoracic_spine_where_another_level_is_said(word: str) -> None:
    known = vocabulary()
    assert [c for c in known.links if "thoracic region" in (known.link(c, {word}).description or "")] == []


@pytest.mark.parametrize("word", ["abdominal", "infrarenal"])
@pytest.mark.parametrize("concept", ["aortic aneurysm", "aortic dissection", "abdominal aortic aneurysm"])
def test_no_code_is_of_the_thoracic_aorta_where_the_abdominal_one_is_said(concept: str, word: str) -> None:
    for words in ({word}, {word, "aneurysm"}):
        assert "horacic" not in (vocabulary().link(concept, words).description or "")


@pytest.mark.parametrize(
    "concept", ["vertebral compression fracture", "degenerative spine disease", "disc degeneration", "disc herniation"]
)
@pytest.mark.parametrize(
    ("word", "region"), [("t8", "thoracic"), ("t12", "thoracic"), ("l1", "lumbar"), ("l5", "lumbar"), ("c4", "cervical")]
)
def test_a_level_of_the_spine_chooses_the_region(concept: str, word: str, region: str) -> None:
    assert OTHER_LEVELS.findall(vocabulary().link(concept, {word}).description or "")[:1] == [region]


def test_a_side_that_is_said_is_in_the_code_where_codes_have_sides(icd: object) -> None:
    known, wrong = vocabulary(), []
    for concept, links in known.links.items():
        for words, side in product(ways_to_say(links), ("left", "right")):
            link = known.link(concept, {*words - {"left", "right", "bilateral"}, side})
            sided = sibling_of_side(icd, link, side)
            if sided:
                wrong.append((concept, side, link.code, sided))
    assert wrong == []


def sibling_of_side(icd: object, link: Link, side: str) -> str | None:
    """The code that differs from a link's only in saying this side where the link's is unspecified."""
    if not link.code or "unspecified" not in (link.description or ""):
        return None
    leaves = {icd.get_description(code): code for code in icd.get_descendants(link.code[:3])}  # type: ignore[attr-defined]
    description = link.description or ""
    for match in re.finditer("unspecified", description):
        found = leaves.get(f"{description[: match.start()]}{side}{description[match.end() :]}")
        if found:
            return found
    return None


@pytest.mark.parametrize(
    ("concept", "words", "code"),
    [
        ("pulmonary embolism", "saddle", "I26.92"),
        ("pulmonary embolism", "", "I26.99"),
        ("COPD", "exacerbation", "J44.1"),
        ("coronary artery disease", "", "I25.10"),
        ("hemothorax", "traumatic", "S27.1XXA"),
        ("hemothorax", "", "J94.2"),
        ("abdominal pain", "epigastric", "R10.13"),
        ("elevated hemidiaphragm", "eventration", "Q79.1"),
        ("aspiration", "", None),
        ("aspiration", "pneumonia", "J69.0"),
        ("sarcoidosis", "lung", "D86.0"),
        ("emphysema", "centrilobular", "J43.2"),
        ("goiter", "multinodular", "E04.2"),
        ("pneumonia", "pneumocystis", "B59"),
        ("pneumonia", "ventilator", "J95.851"),
        ("pneumonia", "covid", "J12.82"),
        ("lung cancer", "right upper", "C34.11"),
        ("lung cancer", "lll", "C34.32"),
        ("lung cancer", "left", "C34.92"),
        ("pulmonary metastasis", "right", "C78.01"),
        ("aortic aneurysm", "abdominal aneurysm", "I71.40"),
        ("aortic aneurysm", "ascending aneurysm", "I71.21"),
        ("vertebral compression fracture", "old", "M48.50XS"),
        ("vertebral compression fracture", "healing l1", "M48.56XD"),
        ("vertebral compression fracture", "chronic t12", "M48.54XS"),
        ("rib fracture", "healing right", "S22.31XD"),
        ("rib fracture", "old left", "Z87.81"),
        ("shoulder osteoarthritis", "left", "M19.012"),
        ("shoulder osteophyte", "right", "M25.711"),
        ("disc degeneration", "cervical", "M50.30"),
        ("ovarian cyst", "right", "N83.201"),
        ("cerebral infarction", "chronic", "Z86.73"),
        ("deep vein thrombosis", "left femoral", "I82.412"),
        ("humerus fracture", "right proximal", "S42.201A"),
    ],
)
def test_words_choose_the_code(concept: str, words: str, code: str | None) -> None:
    assert vocabulary().link(concept, set(words.split())).code == code
