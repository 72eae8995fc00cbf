"""Tables whose descriptor and data disagree: modality, VOI and palettes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.values import frame_values
from tests.core.dicom.encoders import RAMP
from tests.support.factories import dataset, sequence_item


def table(entries: np.ndarray, bits: int, *, vr: str = "OW", count: int | None = None, dtype: str = "<u2") -> Dataset:
    found = sequence_item(LUTDescriptor=[(len(entries) if count is None else count) % 65536, 0, bits])
    found.add_new("LUTData", vr, entries.astype(dtype).tobytes() if vr == "OW" else entries.tolist())
    return found


def by_voi(lut: Dataset) -> np.ndarray:
    return render_frame(dataset(RAMP, BitsStored=12, HighBit=11, VOILUTSequence=[lut]), 1)


def levels(entries: np.ndarray, peak: int) -> np.ndarray:
    return np.rint(entries[RAMP].astype(np.float32) * np.float32(255 / peak)).astype(int)


@pytest.mark.parametrize("vr", ["OW", "US"])
@pytest.mark.parametrize("claimed", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("real", [8, 10, 12, 15, 16])
def test_a_voi_lut_is_as_bright_as_its_entries_whatever_bits_it_claims(real: int, claimed: int, vr: str) -> None:
    entries = np.arange(4096) * (2**real - 1) // 4095
    assert np.abs(by_voi(table(entries, claimed, vr=vr)).astype(int) - levels(entries, 2**real - 1)).max() <= 1


@pytest.mark.parametrize("missing", [1, 2, 7, 100])
@pytest.mark.parametrize("vr", ["OW", "US"])
def test_a_voi_lut_some_entries_short_repeats_its_last_one(missing: int, vr: str) -> None:
    entries = np.arange(4096 - missing)
    found = by_voi(table(entries, 12, vr=vr, count=4096))
    whole = np.concatenate([entries, np.full(missing, entries[-1])])
    assert np.abs(found.astype(int) - levels(whole, 4095)).max() <= 1


@pytest.mark.parametrize("count", [4095, 4096, 5000, 65535, 65536])
def test_a_modality_lut_of_another_length_than_it_claims_is_read_in_words(count: int) -> None:
    entries = np.arange(4096) * 3
    ds = dataset(RAMP, BitsStored=12, HighBit=11, ModalityLUTSequence=[table(entries, 16, count=count)])
    found = frame_values(ds, 1)
    expected = entries[np.minimum(RAMP, min(count, 4096) - 1)]
    assert np.array_equal(found.stored * found.slope + found.intercept, expected)


@pytest.mark.parametrize("length", [3, 4, 5, 255, 256])
def test_entries_of_8_bits_may_be_bytes_or_words(length: int) -> None:
    entries = np.linspace(0, 255, length).astype(int)
    pixels = np.arange(length, dtype=np.uint16).reshape(1, -1)
    padded = np.append(entries, [0] * (length % 2))
    in_bytes, in_words = table(padded, 8, count=length, dtype="u1"), table(entries, 8)
    for lut in (in_bytes, in_words):
        assert render_frame(dataset(pixels, VOILUTSequence=[lut]), 1).tolist() == [entries.tolist()]


def palette(entries: list[int], claimed: int, dtype: str = "<u2", count: int | None = None) -> dict[str, Any]:
    attributes: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for channel in ("Red", "Green", "Blue"):
        attributes[f"{channel}PaletteColorLookupTableDescriptor"] = [count or len(entries), 0, claimed]
        attributes[f"{channel}PaletteColorLookupTableData"] = np.array(entries).astype(dtype).tobytes()
    return attributes


INDICES = np.array([[0, 1, 2, 3]], np.uint8)


@pytest.mark.parametrize(
    ("real", "claimed"),
    [(real, claimed) for real in (8, 10, 12, 16) for claimed in (8, 10, 12, 16) if real == 8 or claimed - real != 2],
)
def test_a_palette_keeps_the_highest_8_bits_that_its_entries_have(real: int, claimed: int) -> None:
    entries = [n * (2**real - 1) // 3 for n in range(4)]
    found = render_frame(dataset(INDICES, **palette(entries, claimed)), 1)
    assert np.abs(found[0, :, 0].astype(int) - [0, 85, 170, 255]).max() <= 1


def test_a_dim_palette_stays_dim() -> None:
    found = render_frame(dataset(INDICES, **palette([0, 0x1000, 0x2000, 0x3000], 16)), 1)
    assert found[0, :, 0].tolist() == [0, 0x10, 0x20, 0x30]


def test_a_palette_in_bytes_though_16_bits_are_claimed_is_read_in_bytes() -> None:
    found = render_frame(dataset(INDICES, **palette([1, 2, 3, 200], 16, "u1")), 1)
    assert found[0, :, 0].tolist() == [1, 2, 3, 200]


def test_a_palette_one_entry_short_repeats_its_last_one() -> None:
    found = render_frame(dataset(INDICES, **palette([0, 0x8000, 0xFF00], 16, count=4)), 1)
    assert found[0, :, 0].tolist() == [0, 0x80, 0xFF, 0xFF]


def test_the_first_of_several_slopes_and_intercepts_counts() -> None:
    window: dict[str, Any] = {"WindowCenter": 0, "WindowWidth": 4096}
    one = dataset(RAMP, RescaleSlope=2, RescaleIntercept=-1024, **window)
    several = dataset(RAMP, RescaleSlope=[2, 9], RescaleIntercept=[-1024, 5], **window)
    assert np.array_equal(render_frame(several, 1), render_frame(one, 1))
