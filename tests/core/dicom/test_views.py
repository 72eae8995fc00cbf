"""Views by their codes (PS3.16 CID 4014, 4015), and the side and intent of a mammogram, as rows have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sr import _snomed_dict
from pydicom.sr.codedict import codes

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.dicom.views import MODIFIERS, VIEWS
from medsearch_core.records import ImageRecord
from tests.support.factories import GRADIENT, dataset, dicom_bytes, sequence_item


def code(value: str, scheme: str = "SCT") -> Dataset:
    return sequence_item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning="any")


def mammogram(view: str | None = "399368009", *modifiers: str, scheme: str = "SCT", **attributes: Any) -> Dataset:
    coded: dict[str, Any] = {}
    if view:
        item = code(view, scheme)
        item.ViewModifierCodeSequence = [code(each, scheme) for each in modifiers]
        coded["ViewCodeSequence"] = [item]
    return read_dataset(dicom_bytes(dataset(Modality="MG", **coded, **attributes)))


def row(ds: Dataset, frame: int = 1) -> ImageRecord:
    return image_records(ds, patient="p1", study="s1", key="k", sha256="ab", bytes=1, frames=[frame])[0]


@pytest.mark.parametrize(
    ("view", "scheme", "name"),
    [
        ("399368009", "SCT", "MLO"),
        ("399162004", "SCT", "CC"),
        ("R-10242", "SRT", "CC"),
        ("R-10226", "SNM3", "MLO"),
        ("R-1024A", "99SDM", "XCCL"),
        ("Y-X1771", "SNM3", "XCCM"),
        ("399348003", "SCT", "AP"),
        ("R-10214", "SRT", "PA"),
        ("399162004", "LOCAL", None),
        ("1", "SCT", None),
    ],
)
def test_a_coded_view_has_the_name_that_mammographers_write(view: str, scheme: str, name: str | None) -> None:
    assert row(mammogram(view, scheme=scheme)).view_position == name


def test_the_tables_are_those_of_the_standard() -> None:
    for table, group, others in ((VIEWS, "cid4014", {"127457009"}), (MODIFIERS, "cid4015", set())):
        concepts = getattr(codes, group)
        standard = {getattr(concepts, name).value for name in concepts.dir()} - others
        assert standard <= {each[0] for each in table}
        of_snomed_rt = _snomed_dict.mapping["SCT"]
        assert all(of_snomed_rt[first] in others for first, *others in table)


def test_a_stated_view_comes_before_its_code() -> None:
    assert row(mammogram(ViewPosition="CC")).view_position == "CC"
    assert row(mammogram(None, ViewPosition="PA")).view_position == "PA"
    assert row(mammogram(None)).view_position is None


def test_modifiers_are_names_of_their_own_and_the_view_stays_what_filters_know() -> None:
    found = row(mammogram("399162004", "399209000", "399163009", "399209000", "123"))
    assert (found.view_position, found.view_modifiers) == ("CC", ["ID", "M"])
    assert row(mammogram()).view_modifiers is None
    beside = mammogram(ViewModifierCodeSequence=[code("R-102D7", "SRT")])
    assert row(beside).view_modifiers == ["S"]


def test_the_side_is_of_the_image_else_of_the_frame_else_of_the_series() -> None:
    anatomy = [sequence_item(FrameAnatomySequence=[sequence_item(FrameLaterality=side)]) for side in "LR"]
    frames = np.stack([GRADIENT] * 2)

    def sides(**attributes: Any) -> list[str | None]:
        ds = read_dataset(dicom_bytes(dataset(frames, PerFrameFunctionalGroupsSequence=anatomy, **attributes)))
        return [row(ds, frame).laterality for frame in (1, 2)]

    assert sides() == ["L", "R"]
    assert sides(Laterality="B") == ["L", "R"]
    assert sides(ImageLaterality="U", Laterality="B") == ["U", "U"]
    assert row(mammogram(Laterality="B")).laterality == "B"


def test_the_presentation_intent_is_copied() -> None:
    assert row(mammogram(PresentationIntentType="FOR PROCESSING")).presentation_intent == "FOR PROCESSING"
    assert row(mammogram()).presentation_intent is None


def test_an_inspection_says_it_and_where_view_and_code_differ() -> None:
    found = inspect_pixels(mammogram("399162004", "399209000", ViewPosition="MLO", PresentationIntentType="FOR PRESENTATION"))
    (step,) = [step for step in found.steps if step.name == "view"]
    assert step.result == "MLO"
    assert step.parameters == {"coded_view": "CC", "modifiers": ["ID"], "presentation_intent": "FOR PRESENTATION"}
    assert [each.code for each in found.disagreements] == ["view"]
    agreed = inspect_pixels(mammogram("399162004", ViewPosition="CC"))
    assert agreed.disagreements == ()


def test_an_inspection_prints_no_view_that_it_does_not_know() -> None:
    found = inspect_pixels(mammogram(None, ViewPosition="DOE JANE"))
    assert [step.result for step in found.steps if step.name == "view"] == ["another"]
