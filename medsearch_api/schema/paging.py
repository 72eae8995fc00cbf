"""Cursors and pages of connections (Relay's Cursor Connections Specification, forward).

A cursor is a place in the answer of one query to one release of the index: the position of its edge, a digest of the query with
its arguments, and a digest of the release's name. It is the same whenever the same is asked, holds no data, and is refused
where it would lead into another answer. It is not a secret: whoever makes one up gets a page he could have asked for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry
from strawberry.relay import PageInfo

from medsearch_api.backends.context import Info
from medsearch_api.schema.errors import LimitExceeded, StaleCursor
from medsearch_api.schema.limits import MAX_FIRST, check_range
from medsearch_core.errors import InvalidQuery
from medsearch_core.search.query import MAX_DEPTH

Item = TypeVar("Item")
Count = Callable[[], Awaitable[int]]

_CURSOR = struct.Struct(">BI8s8s")
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The part of an answer that is asked for: `first` items after the first `start`.

    Args:
        max_depth: how many items can be paged through at all.
        release: the release of the index that is asked.
    """

    start: int
    first: int
    max_depth: int
    digest: bytes
    release: str | None

    @property
    def fetch_size(self) -> int:
        """How many items to fetch: one more than the page, to know whether there is another."""
        return min(self.first + 1, self.max_depth - self.start)

    def page(self, items: Sequence[Item]) -> tuple[list[tuple[int, str, Item]], PageInfo]:
        """Rank from 1, cursor and item of each edge, and where the page lies. `items` holds at most `fetch_size` items."""
        entries = [(rank, self._cursor(rank), item) for rank, item in enumerate(items[: self.first], start=self.start + 1)]
        page_info = PageInfo(
            has_next_page=len(items) > self.first,
            has_previous_page=self.start > 0,
            start_cursor=entries[0][1] if entries else None,
            end_cursor=entries[-1][1] if entries else None,
        )
        return entries, page_info

    def page_of(self, all_items: Sequence[Item]) -> tuple[list[tuple[int, str, Item]], PageInfo]:
        """As `page`, of a list that is at hand."""
        return self.page(all_items[self.start : self.start + self.fetch_size])

    def _cursor(self, position: int) -> str:
        packed = _CURSOR.pack(_VERSION, position, self.digest, _release_digest(self.release))
        return base64.urlsafe_b64encode(packed).decode()


async def resolve_window(
    info: Info, name: str, arguments: Mapping[str, Any], first: int, after: str | None, max_depth: int = MAX_DEPTH
) -> Window:
    """The window that a connection's arguments name.

    Args:
        name: which connection it is.
        arguments: all that decides what its edges are, in values that JSON can hold.

    Raises:
        InvalidQuery: `first` is negative, or `after` is no cursor of this connection with these arguments.
        LimitExceeded: `first` is above `MAX_FIRST`, or the page would end beyond `max_depth`.
        StaleCursor: the index was built anew since the cursor was given.
    """
    check_range("first", first, 0, MAX_FIRST)
    release = await info.context.loaders.release.load("current")
    digest = _digest(json.dumps([name, arguments], sort_keys=True, ensure_ascii=True))
    start = 0 if after is None else _position(after, digest, release)
    if start > max_depth:
        raise LimitExceeded(f"pages go no further than {max_depth}")
    return Window(start=start, first=first, max_depth=max_depth, digest=digest, release=release)


def _position(cursor: str, digest: bytes, release: str | None) -> int:
    try:
        version, position, query_digest, release_digest = _CURSOR.unpack(base64.b64decode(cursor, b"-_", validate=True))
    except (binascii.Error, ValueError, struct.error):
        raise InvalidQuery("after is not a cursor of this service") from None
    if version != _VERSION:
        raise InvalidQuery("after is not a cursor of this service")
    if query_digest != digest:
        raise InvalidQuery("after is a cursor of another query, or of this one with other arguments")
    if release_digest != _release_digest(release):
        raise StaleCursor("The index was built anew since this cursor was given. Begin again without after.")
    return int(position)


def _release_digest(release: str | None) -> bytes:
    return _digest(release or "")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]


@strawberry.type
class Edge:
    """What every edge has."""

    cursor: str = strawberry.field(description="Where this edge stands: give it as after to go on behind it.")


@strawberry.type
class Connection:
    """What every connection has. `count` is asked only where the total is."""

    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    count: strawberry.Private[Count]

    @strawberry.field(description="How many there are in all, also beyond what can be paged through.")
    async def total_count(self) -> int:
        return await self.count()


def _nodes(self: Any) -> Any:
    return [edge.node for edge in self.edges]


def nodes(description: str) -> Any:
    """A connection's field for the nodes of its `edges`; its type is annotated where it stands."""
    return strawberry.field(resolver=_nodes, description=description)


def constant_count(total: int) -> Count:
    """A total that needs no asking."""

    async def count() -> int:
        return total

    return count
