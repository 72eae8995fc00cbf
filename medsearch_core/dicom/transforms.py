"""What is done to the values of a frame: each transform is called with an array, and has its parameters as fields.

From stored values to the modality's (PS3.3 C.11.1), and of these to 0…255 (C.11.2). Which ones apply is decided in `grayscale`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medsearch_core.dicom.lookup_tables import LookupTable

Transform = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Modality:
    """Stored values to the modality's: through the table if there is one, else `slope` times them plus `intercept`."""

    slope: np.float32
    intercept: np.float32
    table: LookupTable | None = None

    def __call__(self, values: np.ndarray) -> np.ndarray:
        if self.table is not None:
            return self.table.apply(values).astype(np.float32)
        return values.astype(np.float32, copy=False) * self.slope + self.intercept


@dataclass(frozen=True, slots=True)
class TableLevels:
    """Values through a VOI LUT, whose highest entry, rounded up to bits, is 255."""

    table: LookupTable

    def __call__(self, values: np.ndarray) -> np.ndarray:
        peak = max(1, 2**self.table.depth - 1)
        return self.table.apply(np.nan_to_num(values)).astype(np.float32) * np.float32(255 / peak)


@dataclass(frozen=True, slots=True)
class Ramp:
    """0 up to `low`, 255 from `high`, linear in between; if the limits are equal, 0 up to them and 255 above."""

    low: float
    high: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        if self.high <= self.low:
            return np.where(values > np.float32(self.low), np.float32(255), np.float32(0))
        scale = np.float32(255 / (self.high - self.low))
        return np.clip((values - np.float32(self.low)) * scale, np.float32(0), np.float32(255))


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """A smooth step (C.11.2.1.3.1)."""

    center: float
    width: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        steepness = np.float32(-4 / self.width)
        return np.float32(255) / (np.float32(1) + np.exp((values - np.float32(self.center)) * steepness))
