"""Messages between a process and its workers over Unix sockets: their length, their bytes, and open files."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

MAX_FILES = 2
_HEAD = struct.Struct("<BQ")


class TooLong(Exception):
    """The other side announced a message over the limit."""


def send(channel: socket.socket, message: bytes, files: Sequence[int] = (), kind: int = 0) -> None:
    """Sends a message, and duplicates of open files with it.

    Raises:
        OSError: the other side is gone.
    """
    socket.send_fds(channel, [_HEAD.pack(kind, len(message))], files)
    channel.sendall(message)


def receive(channel: socket.socket, max_bytes: int) -> tuple[int, bytes, list[int]]:
    """The next message: its kind, its bytes and its files, which are the caller's to close.

    Raises:
        EOFError: the other side is gone.
        OSError: likewise.
        TooLong: the message has more than `max_bytes`.
    """
    head, files, _, _ = socket.recv_fds(channel, _HEAD.size, MAX_FILES)
    if not head:
        raise EOFError
    kind, length = _HEAD.unpack(head + _read(channel, _HEAD.size - len(head)))
    if length > max_bytes:
        raise TooLong
    return kind, _read(channel, length), files


def _read(channel: socket.socket, length: int) -> bytes:
    """Exactly so many bytes; usually one call, which reads them into place."""
    data = channel.recv(length, socket.MSG_WAITALL) if length else b""
    while len(data) < length:
        more = channel.recv(length - len(data), socket.MSG_WAITALL)
        if not more:
            raise EOFError
        data += more
    return data
