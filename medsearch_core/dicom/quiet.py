"""Keeps header values out of logs, and lists what reading an untrusted header may raise.

pydicom quotes the offending value in its warnings, log records and exceptions, also long after the file was read (elements
are converted on first access). Patient data must never reach a log, so pydicom is silenced for the whole process:
`warnings.catch_warnings` is not thread-safe, a filter and a log level are. The pipeline's worker processes discard what codecs
write to stderr from C.
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib

from pydicom.errors import BytesLengthException, InvalidDicomError

FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom, NumPy, Pillow and the codecs raise on malformed bytes. Excluded: running out of memory, which is not the
object's fault, and this project's own errors."""


def quiet() -> None:
    """Silences pydicom's warnings and log records. Cheap and idempotent: call it again after others changed the filters."""
    logger = logging.getLogger("pydicom")
    if logger.level <= logging.CRITICAL:
        logger.setLevel(logging.CRITICAL + 1)
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", None) != PYDICOM:
        warnings.filterwarnings("ignore", module=PYDICOM)


PYDICOM = r"pydicom(\.|$)"
