"""The members of an archive of torch's, read by torch's own reader, so that what is inspected is what will be loaded."""

from __future__ import annotations

from io import BytesIO

import torch


def members_of(data: bytes) -> dict[str, bytes]:
    """Name → bytes of every member, without the archive's own folder in front.

    Raises:
        RuntimeError: it is no archive of torch's.
    """
    reader = torch._C.PyTorchFileReader(BytesIO(data))
    return {name: reader.get_record(name) for name in reader.get_all_records()}
