"""Pictures by dcmtk, a decoder of other people's, through the programs of the Debian package of that name."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from medsearch_core.dicom.grayscale import Window

PROGRAMS = ("dcm2pnm", "dcmj2pnm", "dcml2pnm")
"""Without codecs but RLE, with JPEG, with JPEG-LS."""
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG = tuple(f"1.2.840.10008.1.2.4.{n}" for n in range(50, 71))
SECONDS = 60


def dcmtk_picture(path: Path, syntax: str, frame: int, *grays: str) -> np.ndarray | None:
    """A frame as an 8-bit picture without overlays; None if dcmtk refuses the file.

    Args:
        syntax: the file's transfer syntax.
        frame: 1-based.
        *grays: options that say what becomes black and white.
    """
    program = PROGRAMS[2 if syntax in JPEG_LS else 1 if syntax in JPEG else 0]
    command = [program, "-q", "-O", "-S", "+op", "+F", str(frame), *grays, str(path)]
    found = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    if found.returncode or not found.stdout:
        return None
    with Image.open(io.BytesIO(found.stdout)) as image:
        return np.asarray(image)


def window_options(window: Window) -> list[str]:
    """A window. LINEAR_EXACT is the LINEAR one that is half a value higher and a value wider (PS3.3 C.11.2.1.2, C.11.2.1.3)."""
    more = 1 if window.function == "LINEAR_EXACT" else 0
    shape = "+Wfs" if window.function == "SIGMOID" else "+Wfl"
    return ["+Ww", f"{window.center + more / 2:.6f}", f"{window.width + more:.6f}", shape]
