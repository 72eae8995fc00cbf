"""What the demo holds, decided before anything is drawn."""

from collections import Counter

import pytest

from medsearch_pipeline.demo.cases import KINDS
from medsearch_pipeline.demo.landing import SEED
from medsearch_pipeline.demo.plan import plan_landing

PLAN = plan_landing(64, SEED)
STUDIES = [study for patient in PLAN for study in patient.studies]
IMAGES = [image for study in STUDIES for image in study.images]


def test_the_default_demo_is_large_enough_to_search():
    assert len(PLAN) >= 60
    assert len(STUDIES) >= 120
    assert len(IMAGES) >= 200


def test_patients_are_spread_over_all_ten_groups():
    assert {patient.patient_id[:2] for patient in PLAN} == {f"1{n}" for n in range(10)}


@pytest.mark.parametrize("patients", [64, 300])
def test_every_identifier_is_used_once(patients):
    plan = plan_landing(patients, SEED)
    studies = [study for patient in plan for study in patient.studies]
    for ids in (
        [patient.patient_id for patient in plan],
        [study.study_id for study in studies],
        [study.study_instance_uid for study in studies],
        [image.sop_instance_uid for study in studies for image in study.images],
    ):
        assert len(set(ids)) == len(ids)
    assert {len(patient.patient_id) for patient in plan} == {8}
    assert {len(study.study_id) for study in studies} == {8}


def test_every_finding_and_its_absence_occur_in_several_patients():
    carried = [{finding.kind for study in patient.studies for finding in study.findings} for patient in PLAN]
    carriers = Counter(kind for kinds in carried for kind in kinds)
    assert set(carriers) == set(KINDS)
    assert min(carriers.values()) >= 8
    assert carried.count(set()) >= 8


def test_a_small_demo_is_the_beginning_of_a_large_one():
    assert plan_landing(5, SEED) == PLAN[:5]


def test_studies_of_a_patient_follow_each_other_in_the_22nd_century():
    for patient in PLAN:
        days = [study.day for study in patient.studies]
        assert days == sorted(set(days))
        assert all(2100 <= day.year < 2200 for day in days)


def test_what_has_resolved_was_there_before_and_is_gone():
    resolved = 0
    for patient in PLAN:
        for before, after in zip(patient.studies, patient.studies[1:], strict=False):
            for finding in after.resolved:
                resolved += 1
                assert finding in before.findings
                assert finding.kind not in {f.kind for f in after.findings}
    assert resolved >= 5


def test_the_plan_takes_every_liberty_real_archives_take():
    assert {image.encoding for image in IMAGES} == {"native", "rle", "jpeg2000"}
    assert {image.view for image in IMAGES} == {"PA", "AP", "LATERAL"}
    assert [image.frames for image in IMAGES if image.frames > 1] == [2]
    for liberty in ("is_inverted", "has_window", "has_view_position", "has_rescale"):
        assert {getattr(image, liberty) for image in IMAGES} == {True, False}, liberty


def test_some_studies_have_no_report_and_one_has_nothing_else():
    assert sum(not study.has_report for study in STUDIES) >= 8
    assert [study.has_report for study in STUDIES if not study.images] == [True]
