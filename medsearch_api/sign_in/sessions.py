"""The page's sessions, in this process's memory. The browser's cookie contains only a random ID.

Belongs here: opening, finding and ending sessions, and their limits. Not here: cookies and tokens.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from medsearch_api.sign_in.viewer import Viewer

LIFETIME_S = 12 * 3600
"""Maximum session length in seconds."""
IDLE_S = 3600
"""Seconds without a request after which a session ends."""
MAX_SESSIONS = 10_000
"""Maximum number of sessions; the least recently used one is dropped."""


@dataclass(slots=True)
class Session:
    """A signed-in user, until when the access token is valid, and the refresh token, if there is one."""

    viewer: Viewer
    name: str = field(repr=False)
    valid_until: float
    refresh_token: str | None = field(repr=False)
    opened_at: float = 0.0
    used_at: float = 0.0
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


class Sessions:
    """All sessions of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}

    def open(self, session: Session) -> str:
        """Open a session and return its ID: 256 fresh random bits, which prevents session fixation."""
        now = self._clock()
        session.opened_at = session.used_at = now
        self._open = {i: s for i, s in self._open.items() if not self._is_over(s, now)}
        while len(self._open) >= MAX_SESSIONS:
            del self._open[next(iter(self._open))]
        session_id = secrets.token_urlsafe(32)
        self._open[session_id] = session
        return session_id

    def find(self, session_id: str | None) -> Session | None:
        """Return the session with an ID, unless it has ended."""
        session = self._open.pop(session_id, None) if session_id else None
        if session is None or session_id is None or self._is_over(session, self._clock()):
            return None
        session.used_at = self._clock()
        self._open[session_id] = session  # the dict is ordered by last use
        return session

    def end(self, session_id: str | None) -> Session | None:
        """End a session and return it."""
        return self._open.pop(session_id, None) if session_id else None

    def _is_over(self, session: Session, now: float) -> bool:
        return now - session.opened_at > LIFETIME_S or now - session.used_at > IDLE_S
