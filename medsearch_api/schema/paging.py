"""Cursors and pages of connections (Relay's Cursor Connections Specification, forward only).

A cursor is a position in the results of one query on one index release: the rank of its edge, a digest of the query and its
arguments, and a digest of the release's name. It is deterministic, contains no data, and is rejected for any other query or
release. It is not a secret: a forged cursor only yields a page that its sender could have requested anyway.
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
    """The requested part of the results: `first` items, starting after the first `start` ones.

    Args:
        max_depth: number of items that can be paged through in total.
        release: the index release that is searched.
    """

    start: int
    first: int
    max_depth: int
    digest: bytes
    release: str | None

    @property
    def fetch_size(self) -> int:
        """The number of items to fetch: one more than the page, to know whether there is a next page."""
        return min(self.first + 1, self.max_depth - self.start)

    def page(self, items: Sequence[Item]) -> tuple[list[tuple[int, str, Item]], PageInfo]:
        """Return (rank from 1, cursor, item) of each edge, and the page info. `items` has at most `fetch_size` items."""
        entries = [(rank, self._cursor(rank), item) for rank, item in enumerate(items[: self.first], start=self.start + 1)]
        page_info = PageInfo(
            has_next_page=len(items) > self.first,
            has_previous_page=self.start > 0,
            start_cursor=entries[0][1] if entries else None,
            end_cursor=entries[-1][1] if entries else None,
        )
        return entries, page_info

    def page_of(self, all_items: Sequence[Item]) -> tuple[list[tuple[int, str, Item]], PageInfo]:
        """Return the same as `page`, given the complete list."""
        return self.page(all_items[self.start : self.start + self.fetch_size])

    def _cursor(self, position: int) -> str:
        packed = _CURSOR.pack(_VERSION, position, self.digest, _release_digest(self.release))
        return base64.urlsafe_b64encode(packed).decode()


async def resolve_window(
    info: Info, name: str, arguments: Mapping[str, Any], first: int, after: str | None, max_depth: int = MAX_DEPTH
) -> Window:
    """Resolve a connection's paging arguments to a window.

    Args:
        name: name of the connection.
        arguments: everything that determines its edges, as JSON-compatible values.

    Raises:
        InvalidQuery: `first` is negative, or `after` is not a cursor of this connection with these arguments.
        LimitExceeded: `first` is above `MAX_FIRST`, or the page would start beyond `max_depth`.
        StaleCursor: the index was rebuilt after the cursor was issued.
    """
    check_range("first", first, 0, MAX_FIRST)
    release = await info.context.loaders.release.load("current")
    digest = _digest(json.dumps([name, arguments], sort_keys=True, ensure_ascii=True))
    start = 0 if after is None else _position(after, digest, release)
    if start > max_depth:
        raise LimitExceeded(f"only the first {max_depth} results can be paged through; narrow the search")
    return Window(start=start, first=first, max_depth=max_depth, digest=digest, release=release)


def _position(cursor: str, digest: bytes, release: str | None) -> int:
    try:
        version, position, query_digest, release_digest = _CURSOR.unpack(base64.b64decode(cursor, b"-_", validate=True))
    except (binascii.Error, ValueError, struct.error):
        raise InvalidQuery("after is not a cursor of this service; use endCursor of the previous page") from None
    if version != _VERSION:
        raise InvalidQuery("after is not a cursor of this service; use endCursor of the previous page")
    if query_digest != digest:
        raise InvalidQuery("after belongs to another query or other arguments; start again without it")
    if release_digest != _release_digest(release):
        raise StaleCursor("The index was rebuilt after this cursor was issued. Start again without after.")
    return int(position)


def _release_digest(release: str | None) -> bytes:
    return _digest(release or "")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]


@strawberry.type
class Edge:
    """Fields shared by all edges."""

    cursor: str = strawberry.field(description="The edge's position: pass it as after to continue behind it.")


@strawberry.type
class Connection:
    """Fields shared by all connections. `count` is called only if the total is requested."""

    page_info: PageInfo = strawberry.field(description="The position of this page.")
    count: strawberry.Private[Count]

    @strawberry.field(description="The total number, including items beyond the paging limit.")
    async def total_count(self) -> int:
        return await self.count()


def _nodes(self: Any) -> Any:
    return [edge.node for edge in self.edges]


def nodes(description: str) -> Any:
    """Create a connection's field for the nodes of its `edges`. The annotation sets its type."""
    return strawberry.field(resolver=_nodes, description=description)


def constant_count(total: int) -> Count:
    """Create a count from a known total."""

    async def count() -> int:
        return total

    return count
