"""The file around a data set: recognizing it (PS3.10 section 7), inflating it, and detecting truncation."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass
from struct import unpack
from typing import BinaryIO

from pydicom.datadict import dictionary_VR
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from medsearch_core.errors import BadInput

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
META_GROUP = b"\x02\x00"
INFLATED_BYTES = 2**30
FIRST_VALUE_BYTES = 2**16
ELEMENT_HEAD, LONG_LENGTH = 8, 4
EIGHT = (b"\x08\0", b"\0\x08", b"\x08\0\0\0", b"\0\0\0\x08")
"""The length of a value that is as long as the head of an element, in 16 or 32 bits of either byte order."""
SEARCHED_AT_ONCE = 2**20
UNKNOWN_VR = re.compile(rb"(?![A-Z]{2})[ -~]{2}")
"""A VR that is none, as some writers put for what they do not know; its length has 16 bits."""
DELIMITER_GROUPS = (b"\xfe\xff", b"\xff\xfe")
VRS = {str(vr) for vr in VR if len(vr) == 2}
VRS_AS_BYTES = {vr.encode() for vr in VRS}


class WatchedFile:
    """A file that pydicom reads, and that records what pydicom silently ignores.

    pydicom takes the end of the file for the end of the data set, and turns a failed read within a sequence into an error
    of its own. `is_ragged`: fewer than the eight bytes of an element's header were left. `is_at_end`: a read asked for more
    bytes than were left. `has_unknown_vr`: eight bytes were read that are the header of an element with a VR such as `??`, if
    the VR is explicit.

    Args:
        file: seekable.
        start: where the file begins; what is before it is not seen.
        mends_vrs: show pydicom another VR in place of such a one: what the dictionary says, if its length has 16 bits too.
    """

    def __init__(self, file: BinaryIO, start: int = 0, *, mends_vrs: bool = False) -> None:
        self._file, self._start, self._mends_vrs = file, start, mends_vrs
        self._failure: Exception | None = None
        self.size = file.seek(0, io.SEEK_END) - start
        self.is_ragged = False
        self.is_at_end = False
        self.has_unknown_vr = False
        self._is_value_next = False
        file.seek(start)

    def reopened(self, start: int = 0, *, mends_vrs: bool = False) -> WatchedFile:
        """The same file from a later start on."""
        return WatchedFile(self._file, self._start + start, mends_vrs=mends_vrs)

    def read(self, count: int = -1) -> bytes:
        left = max(self.size - self._file.tell() + self._start, 0)
        if count < 0 or count > left:
            self.is_at_end = self.is_at_end or count > left
            self.is_ragged = self.is_ragged or (count == ELEMENT_HEAD and left > 0)
            count = left
        try:
            data = self._file.read(count)
        except Exception as failure:
            self._failure = failure
            raise
        if count != ELEMENT_HEAD or self._is_value_next:
            self._is_value_next = count == LONG_LENGTH and data in EIGHT
            return data
        self._is_value_next = data[6:] in EIGHT
        if data[4:6] in VRS_AS_BYTES or not UNKNOWN_VR.fullmatch(data, 4, 6) or data[:2] in DELIMITER_GROUPS:
            return data
        self.has_unknown_vr = True
        return b"".join((data[:4], _short_vr(data[:4]), data[6:])) if self._mends_vrs else data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset + self._start if whence == io.SEEK_SET else offset, whence) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start

    def holds(self, *patterns: bytes) -> bool:
        """Whether any of these is in the file. Reads all of it."""
        self.seek(0)
        before = b""
        while block := self._file.read(SEARCHED_AT_ONCE):
            if any(pattern in before + block for pattern in patterns):
                return True
            before = block[-max(map(len, patterns)) :]
        return False

    def slice(self, start: int, end: int) -> bytes:
        self.seek(start)
        return self.read(end - start)

    def raise_failure(self) -> None:
        """Raises the error of a failed read, if any: a failed read is not a bad file."""
        if self._failure is not None:
            raise self._failure


def _short_vr(tag: bytes) -> bytes:
    """The VR of a tag by the dictionary, if its length has 16 bits; else one that holds anything."""
    for order in "<>":
        try:
            vr = dictionary_VR(unpack(f"{order}HH", tag))
        except KeyError:
            continue
        if vr in VRS and vr not in EXPLICIT_VR_LENGTH_32:
            return vr.encode()
    return b"LO"


def without_preamble(file: WatchedFile) -> WatchedFile:
    """The file from behind its prefix on, if that is where the preamble should be; else the same."""
    return file.reopened(len(PREFIX)) if file.slice(0, len(PREFIX)) == PREFIX else file


@dataclass(frozen=True, slots=True)
class FileHead:
    """The preamble and file meta information: where it ends, and whether the data set is deflated (PS3.5 A.5).

    Args:
        has_preamble: whether it begins with preamble and prefix, which some writers leave out.
    """

    end: int
    is_deflated: bool
    has_preamble: bool = True


def file_head(file: WatchedFile) -> FileHead | None:
    """The header of a DICOM file; None without file meta information. Group 2 is explicit little endian (PS3.10 7.1)."""
    has_preamble = file.slice(0, PREAMBLE_BYTES + len(PREFIX))[PREAMBLE_BYTES:] == PREFIX
    if not has_preamble and (file.slice(0, 2) != META_GROUP or not is_bare_data_set(file)):
        return None
    file.seek(PREAMBLE_BYTES + len(PREFIX) if has_preamble else 0)
    is_deflated = False
    while True:
        end = file.tell()
        head = file.read(8)
        if len(head) < 8 or head[:2] != META_GROUP:
            return FileHead(end, is_deflated, has_preamble)
        vr = head[4:6].decode("ascii", "replace")
        length = int.from_bytes(file.read(4) if vr in EXPLICIT_VR_LENGTH_32 else head[6:8], "little")
        if head[2:4] == b"\x10\x00":
            is_deflated = file.read(min(length, 64)).strip(b" \0").decode("ascii", "replace") == (
                DeflatedExplicitVRLittleEndian
            )
        else:
            file.seek(length, io.SEEK_CUR)


def inflated(file: WatchedFile, start: int) -> bytes:
    """The inflated data set that starts there; as much as there is, if the stream is truncated.

    Raises:
        BadInput: `malformed_header`, it is not a deflate stream; `unsupported_pixel_format`, it inflates to over a GiB.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    fault = ""
    try:
        data = stream.decompress(file.slice(start, file.size), INFLATED_BYTES)
    except zlib.error as error:
        fault = type(error).__name__
    if fault:
        raise BadInput("malformed_header", f"the deflated data set cannot be inflated ({fault})")
    if stream.unconsumed_tail:
        raise BadInput("unsupported_pixel_format", f"the deflated data set is over {INFLATED_BYTES} bytes long")
    return data


def is_bare_data_set(file: WatchedFile) -> bool:
    """Whether a file without preamble starts like a data set: an element of group 2 or 8 that the dictionary knows.

    A group 2 element must be explicit little endian; one of group 8 may be implicit or explicit, little or big endian, and
    its value must fit in the file.
    """
    head = file.slice(0, 12)
    if len(head) < 8:
        return False
    group, element = unpack("<HH", head[:4])
    endian = "<"
    if group == 0x0800:
        group, element = unpack(">HH", head[:4])
        endian = ">"
    if group not in (0x0002, 0x0008):
        return False
    try:
        expected = "UL" if element == 0 else dictionary_VR((group, element))
    except KeyError:
        return False
    vr = head[4:6].decode("ascii", "replace")
    if vr in VRS:
        length = unpack(f"{endian}H", head[6:8])[0]
        is_long = vr in EXPLICIT_VR_LENGTH_32
        return vr in expected and (is_long or length <= file.size - 8)
    length = unpack("<L", head[4:8])[0]
    return group == 0x0008 and endian == "<" and length <= min(FIRST_VALUE_BYTES, file.size - 8)
