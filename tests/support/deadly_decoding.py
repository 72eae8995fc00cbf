"""Objects over which a service's decoding process dies, hangs or waits, as a codec may: their ImageComments say how."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from medsearch_api.imaging import pictures

ABORT, HANG, FILL, WAIT, KILLED, LEAK = "abort", "hang", "fill", "wait", "killed", "leak"
_render_frame = pictures.render_frame


def render_frame(ds: Dataset, *arguments: Any, **named: Any) -> np.ndarray:
    """The core's, after what the object's comment says."""
    fate = ds.get("ImageComments")
    if fate == ABORT:
        os.abort()
    if fate == HANG:
        while True:
            pass
    if fate == FILL:
        held = [bytearray(b"\1" * (16 * 2**20)) for _ in range(1024)]
        os._exit(len(held))
    if fate == WAIT:
        time.sleep(3600)
    if fate == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == LEAK:
        raise KeyError("Doe^Jane")
    return _render_frame(ds, *arguments, **named)


def warm() -> None:
    """Called by the process that forks the workers."""
    pictures.render_frame = render_frame
