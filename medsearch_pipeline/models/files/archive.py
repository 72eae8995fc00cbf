"""The members of a torch archive, read by torch's own reader, so that inspection and loading see the same content."""

from __future__ import annotations

from io import BytesIO

import torch


def members_of(data: bytes) -> dict[str, bytes]:
    """Name → bytes of every member, without the archive's own folder in front.

    Raises:
        RuntimeError: it is not a torch archive.
    """
    reader = torch._C.PyTorchFileReader(BytesIO(data))
    return {name: reader.get_record(name) for name in reader.get_all_records()}
