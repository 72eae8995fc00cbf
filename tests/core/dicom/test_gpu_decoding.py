"""Decoding on the GPU: without one, the error says what to do; with one, the values are the same."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from pydicom.uid import UID

from medsearch_core.dicom.codestreams.codecs import DECODERS
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.decoding import stored_frame
from medsearch_core.dicom.gpu_decoding import NAME, PLUGIN, SYNTAXES, decode_on_gpu
from medsearch_core.errors import ConfigurationError
from tests.core.dicom.codestreams import CODESTREAMS, PICTURE
from tests.support.factories import dataset, dicom_bytes


def test_without_the_codec_nothing_changes_and_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PLUGIN, None)
    before = dict(DECODERS)
    with pytest.raises(ConfigurationError, match="nvidia-nvimgcodec"):
        decode_on_gpu()
    assert before == DECODERS


@pytest.mark.gpu
@pytest.mark.parametrize("syntax", [s for s in SYNTAXES if CODESTREAMS[s][2] == 0], ids=lambda uid: uid.name)
def test_a_lossless_frame_has_the_values_it_has_on_the_processor(syntax: UID, monkeypatch: pytest.MonkeyPatch) -> None:
    for each, decoder in DECODERS.items():
        monkeypatch.setitem(DECODERS, each, decoder)
    decode_on_gpu()
    assert DECODERS[syntax] == NAME
    codestream, bits, _ = CODESTREAMS[syntax]
    ds = dataset(PICTURE, transfer_syntax=syntax, codestreams=[codestream], BitsStored=bits, HighBit=bits - 1)
    found = stored_frame(read_dataset(dicom_bytes(ds)), 1)
    assert np.array_equal(found.samples, PICTURE)
