"""Messages between a worker and the coordinator: one JSON object a line, over a socket that only they have.

A worker asks (`id`, `do`, arguments) and is answered (`id`, `answer`, or `error`: status, message, seconds until a retry). What
it then holds it gives back with `release`, the same `id` and the changes, if there are any. A release before the answer gives
up waiting. What a worker holds ends with its connection.
"""

from __future__ import annotations

from typing import Any

import orjson

from medsearch_api.sign_in.sessions import Session
from medsearch_api.sign_in.viewer import Viewer, parse_roles

Message = dict[str, Any]
MAX_BYTES = 2**20
"""Of a message. The longest have a refresh token."""


def encode(message: Message) -> bytes:
    """A message as a line."""
    return orjson.dumps(message) + b"\n"


def decode(line: bytes) -> Message:
    """A line as a message."""
    message: Message = orjson.loads(line)
    return message


def pack_session(session: Session | None) -> Message | None:
    """The part of a session that requests need and change."""
    if session is None:
        return None
    return {
        "subject": session.viewer.subject,
        "roles": sorted(session.viewer.roles),
        "name": session.name,
        "valid_until": session.valid_until,
        "refresh_token": session.refresh_token,
    }


def unpack_session(message: Message | None) -> Session | None:
    """The reverse of `pack_session`."""
    if message is None:
        return None
    viewer = Viewer(message["subject"], parse_roles(message["roles"]))
    return Session(viewer, message["name"], message["valid_until"], message["refresh_token"])
