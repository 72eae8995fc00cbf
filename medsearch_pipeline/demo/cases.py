"""Values that define a demo study: who was imaged, what was found, in which views.

Belongs here: the ground truth's own words and the seeded random streams everything is drawn from. Not here: which studies
exist (`plan`), how they look (`radiographs`), what is written about them (`reports`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["pleural effusion", "pulmonary nodule", "cardiomegaly", "pneumothorax", "consolidation"]
Side = Literal["left", "right"]
Size = Literal["small", "moderate", "large"]
Zone = Literal["upper", "lower"]
View = Literal["PA", "AP", "LATERAL"]

KINDS: tuple[Kind, ...] = ("pleural effusion", "pulmonary nodule", "cardiomegaly", "pneumothorax", "consolidation")


@dataclass(frozen=True, order=True)
class Finding:
    """A finding drawn in the pixels. A heart has no side, and only lung findings have a zone."""

    kind: Kind
    side: Side = "left"
    size: Size = "moderate"
    zone: Zone = "lower"


@dataclass(frozen=True)
class Physique:
    """A body, the same in every study of a patient. Lengths in cm at the detector."""

    sex: Literal["M", "F"]
    age: int
    half_width: float
    """Midline to the inner chest wall."""
    lung_height: float
    """Apex to dome."""
    fat: float
    """0 lean to 1 obese: soft tissue outside the ribs, and the haze it adds to the image."""
    heart: float
    """Cardiothoracic ratio without cardiomegaly."""
    rib_slope: float
    breast: float
    bend: float
    """Lateral curvature of the spine."""


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The random stream of a name, independent of other names and of the order of use."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def physique(rng: np.random.Generator) -> Physique:
    """A random body."""
    sex: Literal["M", "F"] = "F" if rng.random() < 0.5 else "M"
    female = sex == "F"
    return Physique(
        sex=sex,
        age=int(rng.integers(24, 90)),
        half_width=float(rng.uniform(12.2, 13.8) if female else rng.uniform(13.2, 15.0)),
        lung_height=float(rng.uniform(19.5, 22.5) if female else rng.uniform(20.5, 24.0)),
        fat=float(rng.beta(1.6, 2.6)),
        heart=float(rng.uniform(0.40, 0.47)),
        rib_slope=float(rng.uniform(0.75, 1.2)),
        breast=float(rng.uniform(0.35, 1.0)) if female else 0.0,
        bend=float(rng.normal(0.0, 0.35)),
    )
