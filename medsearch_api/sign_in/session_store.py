"""How requests reach the sessions, wherever they are kept: in this process, or in one that all worker processes share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from medsearch_api.sign_in.sessions import Session, Sessions


class SessionStore(Protocol):
    """All sessions of the service.

    Raises:
        IssuerUnavailable: the sessions cannot be reached now.
    """

    async def open(self, session: Session) -> str:
        """As `Sessions.open`."""

    async def find(self, session_id: str | None) -> Session | None:
        """As `Sessions.find`."""

    async def end(self, session_id: str | None) -> Session | None:
        """As `Sessions.end`."""

    def renewing(self, session_id: str) -> AbstractAsyncContextManager[Session | None]:
        """The session, for one request at a time. Its changes are kept at the end of the block, however it ends."""


class LocalSessions:
    """The sessions in this process."""

    def __init__(self, sessions: Sessions | None = None) -> None:
        self._sessions = sessions or Sessions()

    async def open(self, session: Session) -> str:
        return self._sessions.open(session)

    async def find(self, session_id: str | None) -> Session | None:
        return self._sessions.find(session_id)

    async def end(self, session_id: str | None) -> Session | None:
        return self._sessions.end(session_id)

    @asynccontextmanager
    async def renewing(self, session_id: str) -> AsyncIterator[Session | None]:
        session = self._sessions.find(session_id)
        if session is None:
            yield None
            return
        async with session.renewing:
            yield self._sessions.find(session_id)  # it may have ended meanwhile
