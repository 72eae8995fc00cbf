"""Sizes are bound to the finding they are of; the sentences are written for these tests."""

from __future__ import annotations

from itertools import zip_longest

import pytest

from medsearch_core.reports.context.measured_words import tubes
from medsearch_core.reports.context.sizes import NO_SIZES, Sizes, sizes_of
from medsearch_core.reports.lexicon.vocabulary import Concept, vocabulary
from medsearch_core.reports.text.phrases import Matcher
from medsearch_core.reports.text.units import read_units
from tests.support.steps import count_steps

FINDINGS = Matcher(
    [
        *(
            (word, Concept(word, "diagnosis"))
            for word in ("nodule", "mass", "effusion", "pneumothorax", "aneurysm", "granuloma")
        ),
        *((word, Concept(word, "sign")) for word in ("opacity", "fracture", "lymphadenopathy")),
        ("pleural thickening", Concept("thickening", "diagnosis")),
        ("endotracheal tube", Concept("endotracheal tube", "device")),
        ("tracheostomy tube", Concept("tracheostomy tube", "device")),
        ("picc", Concept("PICC", "device")),
        ("pacemaker", Concept("pacemaker", "device")),
        ("cough", Concept("cough", "symptom")),
        ("liver mass", Concept("", "")),
    ]
)


def sizes(text: str) -> dict[str, Sizes]:
    """What is measured in a text, by the concept it is of."""
    units = [unit for _, unit in read_units(text, 0, len(text))]
    told: dict[str, Sizes] = {}
    for unit, following in zip_longest(units, units[1:]):
        mentions = FINDINGS.find(unit.words)
        found = zip(mentions, sizes_of(unit, mentions, following), strict=True)
        told.update({mention.value.name: size for mention, size in found if size != NO_SIZES})
    return told


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("An 8 mm nodule in the right upper lobe.", 8),
        ("Nodule measuring 1.2 x 0.9 cm.", 12),
        ("A 12 x 10 mm nodule.", 12),
        ("Nodule, 2 cm x 3 cm.", 30),
        ("A 1-cm nodule.", 10),
        ("A 15mm nodule.", 15),
        ("A .6-cm nodule.", 6),
        ("A two centimeter nodule.", 20),
        ("Right upper lobe well circumscribed 11 mm calcified nodule.", 11),
        ("Nodule in the left upper lobe measuring 3 cm in diameter.", 30),
        ("The nodule, seen on image 4, is 7 mm in size.", 7),
        ("A nodule of approximately 9 mm.", 9),
        ("A nodule (8 mm) in the lingula.", 8),
        ("NODULE: 8 mm left lower lobe.", 8),
        ("22 x 14 mm, calcified nodule.", 22),
        ("Nodule with a diameter of 8 mm.", 8),
        ("Nodule with 10 mm in maximal thickness.", 10),
        ("Nodules in the right and left upper lobes measuring 8 mm and 6 mm.", 8),
        ("Two nodules measure 4 mm and 7 mm.", 7),
    ],
)
def test_a_length_is_the_size_of_the_finding_it_stands_with(text: str, size: float) -> None:
    assert sizes(text) == {"nodule": Sizes(size)}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4-6 mm nodules.", 6),
        ("Nodules between 4 and 6 mm.", 6),
        ("Nodules ranging from 4 to 6 mm.", 6),
        ("5 and 7 mm nodules.", 7),
        ("5 mm and 7 mm nodules.", 7),
        ("Nodules up to 9 mm.", 9),
        ("Nodules less than 4 mm.", 4),
        ("Nodules < 4 mm.", 4),
        ("Nodule larger than 1 cm.", 10),
    ],
)
def test_of_a_range_the_larger_bound_counts(text: str, size: float) -> None:
    assert sizes(text) == {"nodule": Sizes(size)}


@pytest.mark.parametrize(
    ("text", "size", "prior"),
    [
        ("A 3.2 x 2.1 x 2.0 cm mass (previously 2.8 cm).", 32, 28),
        ("The mass has grown from 6 mm to 9 mm.", 9, 6),
        ("The mass has decreased from 9 to 6 mm.", 6, 9),
        ("The mass has grown from 6 mm in 2015 to 9 mm.", 9, 6),
        ("The mass increased to 12 mm, previously 8 mm.", 12, 8),
        ("The mass was 5 mm, now 8 mm.", 8, 5),
        ("The mass, which measured 5 mm, now measures 8 mm.", 8, 5),
        ("A 5 mm mass is now 8 mm.", 8, 5),
        ("9 mm mass compared with 6 mm on the prior CT.", 9, 6),
        ("Mass measuring 9 mm (6 mm previously).", 9, 6),
        ("The mass was 8 mm on the prior study and is now 12 mm.", 12, 8),
        ("Interval increase in size of the mass, now 11 mm (previously 8 mm).", 11, 8),
        ("6 mm mass (series 4, image 56) in the right upper lobe, previously 5 mm.", 6, 5),
        ("The mass was 8 mm.", 8, None),
        ("Previously seen 8 mm mass is unchanged.", 8, None),
        ("The mass is 3 mm larger, now 9 mm.", 9, None),
        ("The mass was previously 8 mm.", None, 8),
    ],
)
def test_an_earlier_size_is_told_from_that_of_now(text: str, size: float | None, prior: float | None) -> None:
    assert sizes(text) == {"mass": Sizes(size, prior)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("8 mm nodule in the left lung and 2 cm mass in the right.", {"nodule": Sizes(8), "mass": Sizes(20)}),
        ("Nodule in the left lung (8 mm) and mass in the right lung (3 cm).", {"nodule": Sizes(8), "mass": Sizes(30)}),
        ("Small effusion and 8 mm nodule, previously 6 mm.", {"nodule": Sizes(8, 6)}),
        ("Nodule is 8 mm in size, and the effusion is small.", {"nodule": Sizes(8)}),
        ("Pneumothorax measuring 2 cm with small effusion.", {"pneumothorax": Sizes(20)}),
        ("Effusion and 8 mm focus in the left lung.", {}),
        ("Effusion with adjacent 1.4 cm lymph node.", {}),
        ("Mass in the lingula, 1.4 cm right paratracheal node.", {}),
        ("3 cm liver mass and nodule.", {}),
        ("Lymphadenopathy up to 1.8 cm in short axis, effusion.", {"lymphadenopathy": Sizes(18)}),
        ("Pleural thickening of 5 mm.", {"thickening": Sizes(5)}),
        ("Aneurysm 4.5 cm.", {"aneurysm": Sizes(45)}),
        ("A 5 mm pacemaker. Cough for 3 cm.", {}),
    ],
)
def test_a_length_does_not_cross_into_another_noun_phrase(text: str, told: dict[str, Sizes]) -> None:
    assert sizes(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "Nodule 2 cm from the pleura.",
        "Mass 3 cm deep to the skin.",
        "Fracture with 5 mm displacement.",
        "There is 1 cm of anterior wedging of the fracture.",
        "CT with 5 mm slice thickness shows a nodule.",
        "10 mm collimation, nodule on series 4, image 56.",
        "The nodule decreased by 3 mm.",
        "Nodule, 1,5 cm.",
        "Subcentimeter nodule.",
        "Nodule at 2 o'clock.",
        "Nodule, pressure of 20 mm Hg.",
        "Nodule of 3 cm3.",
        "Nodule 7000 mm away.",
        "Nodule. The liver measures 12 cm.",
        "Nodule. It is 2 cm from the pleura.",
    ],
)
def test_other_lengths_are_no_sizes(text: str) -> None:
    assert sizes(text) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("There is a nodule. It measures 8 mm, previously 6 mm.", {"nodule": Sizes(8, 6)}),
        ("There are masses. The largest measures 3.5 cm.", {"mass": Sizes(35)}),
        ("There is a nodule. This is approximately 1.2 cm in diameter.", {"nodule": Sizes(12)}),
        ("There is a nodule. An effusion measures 3 cm.", {"effusion": Sizes(30)}),
    ],
)
def test_the_sentence_after_goes_on_about_the_last_finding(text: str, told: dict[str, Sizes]) -> None:
    assert sizes(text) == told


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("The endotracheal tube tip is 3 cm above the carina.", 30),
        ("Endotracheal tube terminates approximately 45 mm above the level of the carina.", 45),
        ("The endotracheal tube is 2.3 cm from the carina.", 23),
        ("The endotracheal tube tip is 2 cm below the carina.", -20),
        ("Tip of the endotracheal tube at the level of the carina, retraction is advised.", 0),
        ("Endotracheal tube with tip 5-6 cm above the carina.", 50),
        ("Endotracheal tube is in place. The tip is 4 cm above the carina.", 40),
        ("Endotracheal tube is in place. Its tip lies at the carina.", 0),
        ("Endotracheal tube overlaps the pacemaker, but ends 3 cm above the carina.", 30),
        ("3 cm above the carina is the tip of the endotracheal tube.", 30),
        ("Endotracheal tube 1.7 cm above the carina, could be pulled back 2 cm.", 17),
    ],
)
def test_a_tube_has_a_distance_above_the_carina(text: str, distance: float) -> None:
    assert sizes(text) == {"endotracheal tube": Sizes(above_carina_mm=distance)}


@pytest.mark.parametrize(
    "text",
    [
        "Advance the endotracheal tube to 4 cm above the carina.",
        "The endotracheal tube should be 4 cm above the carina.",
        "Endotracheal tube just above the carina.",
        "Endotracheal tube should be withdrawn 2 cm.",
        "Pacemaker at the level of the carina.",
        "Endotracheal tube is in place. Opacity at the level of the carina.",
    ],
)
def test_a_wish_and_a_device_without_a_tip_have_no_distance(text: str) -> None:
    assert sizes(text) == {}


def test_a_row_of_a_table_and_an_item_of_a_list_are_read_alike() -> None:
    assert sizes("| Finding | Size |\n| Nodule | 8 mm |\n| Mass | 3 cm |") == {"nodule": Sizes(8), "mass": Sizes(30)}
    assert sizes("- Nodule: 8 mm\n- Mass, right lung: 3 x 2 cm (prior 2.8 cm)") == {"nodule": Sizes(8), "mass": Sizes(30, 28)}


def test_a_distance_is_of_the_tube_before_it() -> None:
    text = "Endotracheal tube 4 cm above the carina, PICC tip 2 cm below the carina."
    assert sizes(text) == {"endotracheal tube": Sizes(above_carina_mm=40), "PICC": Sizes(above_carina_mm=-20)}


def test_every_tube_is_a_device_of_the_vocabulary() -> None:
    assert {vocabulary().concepts[name].category for name in tubes()} == {"device"}


@pytest.mark.parametrize(
    "unit",
    [
        "3 cm ",
        "3 cm nodule ",
        "nodule measures 3 cm ",
        "3 x ",
        "1-",
        "from 3 cm to ",
        "3 mm and ",
        "previously about 3 cm right ",
        "endotracheal tube at the carina ",
        "endotracheal tube 3 cm above the carina ",
    ],
)
def test_the_steps_grow_as_the_text_does(unit: str) -> None:
    def read(length: int) -> None:
        sizes(unit * (length // len(unit)))

    assert count_steps(read, 6_000) < 2.5 * count_steps(read, 3_000)
