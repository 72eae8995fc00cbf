"""pydicom's decoders, which check the size of the data and give it its shape. None of their corrections is wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from medsearch_core.dicom.frames.layout import Layout
from medsearch_core.errors import ConfigurationError


def frame_options(layout: Layout) -> dict[str, Any]:
    """The options of pydicom's runner for one frame as the object's header describes it."""
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.is_signed),
        "photometric_interpretation": layout.photometric,
        "number_of_frames": 1,
        "allow_excess_frames": False,
        "correct_unused_bits": False,
    }
    if layout.samples > 1:  # every codec interleaves samples by pixel, whatever the header still says (PS3.5 8.2)
        options["planar_configuration"] = 0
    return options


def decode_codestream(syntax: UID, plugin: str, data: bytes, options: dict[str, Any]) -> np.ndarray:
    """The numbers in a codestream, by one plugin of a decoder.

    Raises:
        ConfigurationError: it is not installed.
    """
    decoder = get_decoder(syntax)
    check_installed(plugin in decoder.available_plugins, syntax.name, plugin)
    numbers: np.ndarray = decoder.as_array(_one_fragment(data), index=0, raw=True, decoding_plugin=plugin, **options)[0]
    return numbers


def check_installed(is_installed: bool, name: str, plugin: str) -> None:
    """Raises `ConfigurationError` if a decoder is not installed."""
    if not is_installed:
        raise ConfigurationError(f"{name} cannot be decoded: install the packages of medsearch[api] or [pipeline] ({plugin})")


def _one_fragment(data: bytes) -> bytes:
    empty_offset_table = b"\xfe\xff\x00\xe0\0\0\0\0"
    return b"".join((empty_offset_table, b"\xfe\xff\x00\xe0", len(data).to_bytes(4, "little"), data))
