"""Terms of any organ and organs, as data: what is named is known, and the chest's own reading of a bare term stays."""

from __future__ import annotations

import pytest

from medsearch_core.reports import data_files
from medsearch_core.reports.lexicon.organs import organ_names, organs_in
from medsearch_core.reports.lexicon.vocabulary import vocabulary
from medsearch_core.reports.text.phrases import spellings

CHEST = {
    *("lung", "pleura", "trachea", "bronchus", "heart", "pericardium", "coronary artery", "aortic valve", "mitral valve"),
    *("tricuspid valve", "aorta", "pulmonary artery", "pulmonary vein", "mediastinum", "hilum", "thymus", "diaphragm"),
    *("esophagus", "chest wall", "rib", "sternum", "clavicle", "thoracic spine", "superior vena cava"),
}


def organs_named(words: str) -> list[str]:
    return [match.value for match in organs_in(words.split())]


def test_the_organ_of_a_concept_is_a_known_one() -> None:
    named = {row["organ"] for row in data_files.rows("vocabulary.csv")} - {""}
    assert named <= set(organ_names())


def test_findings_have_an_organ_unless_they_are_of_any() -> None:
    without = [
        row["concept"]
        for row in data_files.rows("vocabulary.csv")
        if row["concept"] and row["category"] in ("diagnosis", "sign") and not row["organ"]
    ]
    assert len(without) <= 20, without


def test_more_than_a_hundred_concepts_are_of_organs_outside_the_chest() -> None:
    organs = [row["organ"] for row in data_files.rows("vocabulary.csv")]
    assert sum(organ not in CHEST for organ in organs if organ) >= 110


def test_an_organ_is_named_once_and_no_words_name_two() -> None:
    rows = data_files.rows("organs.csv")
    assert len(rows) == len({row["organ"] for row in rows}) >= 70
    meaning: dict[tuple[str, ...], str] = {}
    for row in rows:
        for phrase in row["words"].split("|"):
            for words in spellings(phrase):
                assert words, row
                assert meaning.setdefault(tuple(words), row["organ"]) == row["organ"], words


def test_organ_concepts_speak_of_known_terms_and_organs_and_once_of_each_pair() -> None:
    rows = data_files.rows("organ_concepts.csv")
    pairs = [(row["term"], row["organ"]) for row in rows]
    assert len(pairs) == len(set(pairs))
    assert {term for term, _ in pairs} <= {row["term"] for row in data_files.rows("generics.csv")}
    assert {organ for _, organ in pairs} <= set(organ_names())


def test_every_term_has_a_concept_for_every_organ() -> None:
    known = vocabulary()
    terms = [row["term"] for row in data_files.rows("generics.csv")]
    assert set(known.of_organ) == {(term, organ) for term in terms for organ in organ_names()}
    assert {concept.name for concept in known.of_organ.values()} <= set(known.concepts)


@pytest.mark.parametrize(
    ("phrase", "chest"),
    [
        ("mass", "lung mass"),
        ("nodule", "pulmonary nodule"),
        ("carcinoma", "lung cancer"),
        ("metastasis", "pulmonary metastasis"),
        ("edema", "pulmonary edema"),
        ("effusion", "pleural effusion"),
        ("abscess", "lung abscess"),
        ("aneurysm", "aortic aneurysm"),
        ("dissection", "aortic dissection"),
        ("infiltration", "lung infiltrate"),
        ("opacity", "lung opacity"),
        ("congestion", "pulmonary vascular congestion"),
        ("cavity", "pulmonary cavity"),
        ("scarring", "pulmonary scarring"),
        ("granuloma", "calcified granuloma"),
        ("tortuosity", "tortuous aorta"),
        ("atherosclerosis", "aortic atherosclerosis"),
        ("hernia", "hiatal hernia"),
        ("dislocation", "shoulder dislocation"),
        ("degenerative change", "degenerative spine disease"),
        ("fracture", "fracture"),
        ("lymphadenopathy", "lymphadenopathy"),
    ],
)
def test_a_bare_term_is_of_the_chest_in_a_report_on_the_chest_and_of_no_organ_elsewhere(phrase: str, chest: str) -> None:
    known = vocabulary()
    [term] = [match.value for match in known.findings.find(phrase.split()) if match.value.is_generic]
    assert known.resolve_organ(term, None, is_chest=True).name == chest
    assert known.resolve_organ(term, None, is_chest=False).name == term.name


@pytest.mark.parametrize(
    ("term", "organ", "concept"),
    [
        ("mass", "kidney", "renal mass"),
        ("metastasis", "liver", "liver metastasis"),
        ("stone", "kidney", "nephrolithiasis"),
        ("hemorrhage", "brain", "intracranial hemorrhage"),
        ("aneurysm", "abdominal aorta", "abdominal aortic aneurysm"),
        ("aneurysm", "cerebral artery", "intracranial aneurysm"),
        ("effusion", "knee", "knee effusion"),
        ("hernia", "groin", "inguinal hernia"),
        ("malignant tumor", "colon", "colonic cancer"),
        ("dislocation", "hip", "hip dislocation"),
        ("opacity", "mediastinum", "lung opacity"),
        ("cancer", "prostate", "prostate cancer"),
    ],
)
def test_a_term_and_its_organ_are_one_concept(term: str, organ: str, concept: str) -> None:
    assert vocabulary().of_organ[term, organ].name == concept


@pytest.mark.parametrize(
    ("words", "organs"),
    [
        ("left renal mass", ["kidney"]),
        ("right upper lobe", ["lung"]),
        ("right frontal lobe", ["brain"]),
        ("right frontal bone", ["skull"]),
        ("right frontal sinus", ["paranasal sinus"]),
        ("frontal and lateral view", []),
        ("basilar artery", ["cerebral artery"]),
        ("basilar atelectasis", ["lung"]),
        ("renal artery", ["renal artery"]),
        ("infrarenal abdominal aorta", ["abdominal aorta"]),
        ("descending thoracic aorta", ["aorta"]),
        ("left thyroid lobe", ["thyroid gland"]),
        ("hepatic lobe", ["liver"]),
        ("vertebral body", ["spine"]),
        ("vertebral artery", ["vertebral artery"]),
        ("t8", ["thoracic spine"]),
        ("t2 hyperintense", []),
        ("l1", ["lumbar spine"]),
        ("cervical lymph node", ["neck"]),
        ("femoral neck", ["hip"]),
        ("femoral vein", ["deep vein"]),
        ("right temporal lobe", ["brain"]),
        ("mastoid air cell", ["mastoid"]),
        ("sinus rhythm", []),
    ],
)
def test_an_organ_is_told_by_its_longest_name(words: str, organs: list[str]) -> None:
    assert organs_named(words) == organs
