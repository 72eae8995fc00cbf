"""Everything that the pipeline and the service do with an object's bytes, one after the other."""

from __future__ import annotations

import io
import logging
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from medsearch_core.columns import table_of
from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.pixels import check_pixels, frame_count, render_frame
from medsearch_core.dicom.thumbnails import drawn_thumbnail, encode_png
from medsearch_core.dicom.values import frame_values
from medsearch_core.errors import BadInput
from medsearch_core.records import REASONS, ImageRecord
from tests.fuzz.mutations import mutated

SHOWN = "shown"
MAX_PIXELS = 4_000_000
"""A frame of more is refused by its header, and takes no time here."""


@dataclass(frozen=True)
class Outcome:
    """What an object came to.

    Args:
        kind: `shown`, or the reason of its rejection.
        fault: what must not happen, if it did: its kind and place. Never a value of the header.
    """

    kind: str
    fault: str = ""


@dataclass(frozen=True)
class Chain:
    """Tries damaged files. Runs in worker processes.

    Args:
        folder: the whole files.
        seed: of the damage.
    """

    folder: Path
    seed: int

    def outcomes(self, numbers: Sequence[int]) -> Iterator[Outcome]:
        """Of the files with these numbers."""
        for number in numbers:
            yield outcome(mutated(seeds_in(self.folder), self.seed, number))


@cache
def seeds_in(folder: Path) -> list[bytes]:
    """The whole files, in the order of their names."""
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def outcome(data: bytes) -> Outcome:
    """Passes an object through the chain. Anything but an image or a known reason is a fault, and so is a warning."""
    told = _Told()
    logging.getLogger().addHandler(told)
    try:
        with warnings.catch_warnings(record=True) as warned:
            kind = process(data)
    except Exception as error:  # noqa: BLE001 - the finding
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Outcome("raised", f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno} {place.name}")
    finally:
        logging.getLogger().removeHandler(told)
    if warned:
        return Outcome(kind, f"{warned[0].category.__name__} at {Path(warned[0].filename).name}:{warned[0].lineno}")
    return Outcome(kind, f"logged by {told.names[0]}" if told.names else "")


def process(data: bytes) -> str:
    """Runs everything that is done with an object; returns the reason of its rejection, or `shown`."""
    try:
        identity(read_dataset(io.BytesIO(data), stop_before_pixels=True))
        ds = read_dataset(data)
        identity(ds)
        held = check_pixels(ds, max_pixels=MAX_PIXELS)
        for frame in {1, held}:
            encode_png(drawn_thumbnail(ds, frame).pixels)
            picture = render_frame(ds, frame)
            assert picture.dtype == np.uint8
            if picture.ndim == 2:
                frame_values(ds, frame, 64)
        frames = range(1, min(held, 9) + 1)
        rows = image_records(ds, patient="p1", study="s1", key="k", sha256="", bytes=len(data), frames=frames)
        table_of(ImageRecord, rows)
        assert frame_count(ds) >= held
    except BadInput as raised:
        fault = raised
    else:
        return SHOWN
    assert fault.reason in REASONS
    assert (fault.__context__, fault.__cause__) == (None, None)
    return fault.reason


class _Told(logging.Handler):
    """Who logged a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.names.append(record.name)
