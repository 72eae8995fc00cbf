"""Findings are in the pixels, on their side, and nowhere else: the same body is drawn with and without."""

import hashlib
from functools import cache

import numpy as np
import pytest

from medsearch_pipeline.demo.cases import Finding, physique, stream
from medsearch_pipeline.demo.radiographs import LARGEST, draw

BODY = physique(stream(7, "body"))


@cache
def exposed(view, *findings):
    return draw(BODY, findings, view, 7, "test").pixels.astype(int)


def change(view, *findings):
    """What findings add to an exposure, and where (rows, columns as fractions) they change it most."""
    added = exposed(view, *findings) - exposed(view)
    rows, columns = np.nonzero(np.abs(added) > 250)
    return added, float(np.median(rows)) / added.shape[0], float(np.median(columns)) / added.shape[1]


@pytest.mark.parametrize(("side", "towards"), [("left", 1), ("right", -1)])
@pytest.mark.parametrize("kind", ["pleural effusion", "pneumothorax", "consolidation", "pulmonary nodule"])
def test_a_finding_changes_its_side_of_a_frontal_picture(kind, side, towards):
    _, _, column = change("PA", Finding(kind, side, "large"))
    assert (column - 0.5) * towards > 0.05  # the patient's left is at the right of the picture


@pytest.mark.parametrize("view", ["PA", "AP", "LATERAL"])
@pytest.mark.parametrize("kind", ["pleural effusion", "consolidation", "pulmonary nodule", "cardiomegaly"])
def test_fluid_and_tissue_are_brighter_than_lung(kind, view):
    added, _, _ = change(view, Finding(kind, "right", "large"))
    assert added[added > 250].size > 8 * added[added < -250].size
    assert added[added > 250].mean() > 350


def test_air_in_the_pleural_space_is_darker_than_lung_and_lies_at_the_apex():
    added, row, _ = change("PA", Finding("pneumothorax", "left", "moderate"))
    assert (added < -150).mean() > 0.008
    assert row < 0.5


def test_an_effusion_whitens_the_lower_zone():
    added, row, _ = change("PA", Finding("pleural effusion", "left", "moderate"))
    rows, columns = added.shape
    lower = added[int(0.5 * rows) : int(0.8 * rows), int(0.65 * columns) : int(0.85 * columns)]
    upper = added[int(0.15 * rows) : int(0.35 * rows), int(0.65 * columns) : int(0.85 * columns)]
    assert lower.mean() > 300
    assert abs(upper.mean()) < 60
    assert row > 0.5


@pytest.mark.parametrize("kind", ["pleural effusion", "consolidation", "cardiomegaly", "pulmonary nodule"])
def test_a_larger_finding_shows_more(kind):
    small, _, _ = change("PA", Finding(kind, "left", "small"))
    large, _, _ = change("PA", Finding(kind, "left", "large"))
    assert (large > 250).sum() > 1.3 * (small > 250).sum()


def test_twelve_bits_are_used_and_not_exceeded():
    for view in ("PA", "LATERAL"):
        pixels = exposed(view)
        assert pixels.max() <= LARGEST
        assert np.percentile(pixels, 99) - np.percentile(pixels, 1) > 2000
        assert 1024 <= pixels.shape[0] <= 1400


def test_the_soft_tissue_image_of_a_dual_energy_pair_has_no_bones():
    without = draw(BODY, (), "PA", 7, "test", bones=0.0).pixels.astype(int)
    assert (exposed("PA") - without > 100).mean() > 0.2


def test_a_picture_is_the_same_on_every_machine():
    """Also with numpy's vector instructions off (NPY_DISABLE_CPU_FEATURES): nothing rounds differently between processors."""
    drawn = [
        draw(BODY, (Finding("consolidation"),), view, 7, "test").pixels.astype("<u2").tobytes() for view in ("PA", "LATERAL")
    ]
    assert [hashlib.sha256(pixels).hexdigest()[:16] for pixels in drawn] == ["bd740aa32fb68fd4", "2e3cdee93656f410"]
