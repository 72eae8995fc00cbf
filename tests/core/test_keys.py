"""Keys are safe in paths, partition syntax and URLs, and identify nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsearch_core.keys import StudyKey, image_id, is_safe, pseudonymous_study_key


def test_a_partition_key_is_patient_slash_study_and_reads_back() -> None:
    assert StudyKey.parse("p10000032/s50414267") == StudyKey("p10000032", "s50414267")
    assert StudyKey("p10000032", "s50414267").partition == "p10000032/s50414267"


@pytest.mark.parametrize(
    "key", ["p1", "p1/", "/s1", "p1/s1/x", "../etc/passwd", "p 1/s1", "p|1/s1", "p1/s.1", "p1/" + "s" * 65]
)
def test_a_key_that_could_be_misread_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"study key|PATIENT/STUDY"):
        StudyKey.parse(key)


@given(st.text(), st.text(min_size=1))
def test_any_patient_id_becomes_a_safe_key_without_showing_itself(patient_id: str, uid: str) -> None:
    key = pseudonymous_study_key(patient_id, uid, b"secret")
    assert is_safe(key.patient)
    assert is_safe(key.study)
    assert len(patient_id) < 4 or patient_id not in key.partition
    assert key == pseudonymous_study_key(patient_id, uid, b"secret")


def test_two_sites_with_other_secrets_spell_one_patient_differently() -> None:
    assert pseudonymous_study_key("4711", "1.2.3", b"a") != pseudonymous_study_key("4711", "1.2.3", b"b")


def test_studies_of_one_patient_share_it_and_unknown_patients_are_not_one_person() -> None:
    one, two = (pseudonymous_study_key("4711", uid, b"k") for uid in ("1.2.3", "1.2.4"))
    assert one.patient == two.patient
    assert one.study != two.study
    unknown, other = (pseudonymous_study_key(" ", uid, b"k") for uid in ("1.2.3", "1.2.4"))
    assert unknown.patient != other.patient


def test_every_frame_of_a_multi_frame_object_has_an_id() -> None:
    assert image_id("1.2.3", 1, 1) == "1.2.3"
    assert [image_id("1.2.3", frame, 3) for frame in (1, 2, 3)] == ["1.2.3_1", "1.2.3_2", "1.2.3_3"]
