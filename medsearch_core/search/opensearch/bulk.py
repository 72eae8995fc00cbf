"""Bulk requests: every item's status is checked, temporary failures are sent again after a pause, others are reported.

Items with status 429 (overload) and 503 (shard unavailable) are retried, and so are requests without a response, since every
operation is idempotent. Any other failure is the document's.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
from opensearchpy import OpenSearch, TransportError

from medsearch_core.errors import StorageError, Transient
from medsearch_core.search.opensearch.client import WORTH_REPEATING, cause_of, is_transient

REQUEST_BYTES = 2 * 1024 * 1024
REQUESTS_AT_ONCE = 4
ATTEMPTS = 9
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 16.0


@dataclass(frozen=True)
class Operation:
    """One operation of a bulk request: the action line, and the document's fields unless it is a deletion."""

    index: str
    id: str
    routing: str
    fields: dict[str, Any] | None = None

    def encoded(self) -> bytes:
        """The lines, each with its newline."""
        place = {"_index": self.index, "_id": self.id, "routing": self.routing}
        if self.fields is None:
            return orjson.dumps({"delete": place}) + b"\n"
        document = orjson.dumps(self.fields, option=orjson.OPT_SERIALIZE_NUMPY)
        return orjson.dumps({"index": place}) + b"\n" + document + b"\n"


def send(client: OpenSearch, operations: Iterable[Operation], before_each: Callable[[], object]) -> dict[str, str]:
    """Executes the operations in no particular order: a few megabytes per request, a few requests at once.

    Args:
        before_each: called before every request; raises if this process may no longer write.

    Returns:
        `_id` → OpenSearch's short name of the reason, for each document that was permanently rejected.

    Raises:
        Transient: the cluster still rejected operations after `ATTEMPTS`.
    """
    refused: dict[str, str] = {}
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        under_way: deque[Future[dict[str, str]]] = deque()
        try:
            for request in _requests(operations):
                if len(under_way) == REQUESTS_AT_ONCE:
                    refused |= under_way.popleft().result()
                under_way.append(pool.submit(_settle, client, request, before_each))
            for answer in under_way:
                refused |= answer.result()
        finally:
            pool.shutdown(cancel_futures=True)
    return refused


def _requests(operations: Iterable[Operation]) -> Iterator[list[tuple[Operation, bytes]]]:
    request: list[tuple[Operation, bytes]] = []
    size = 0
    for operation in operations:
        lines = operation.encoded()
        if request and size + len(lines) > REQUEST_BYTES:
            yield request
            request, size = [], 0
        request.append((operation, lines))
        size += len(lines)
    if request:
        yield request


def _settle(
    client: OpenSearch, request: Sequence[tuple[Operation, bytes]], before_each: Callable[[], object]
) -> dict[str, str]:
    refused: dict[str, str] = {}
    left, cause = list(request), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
            time.sleep(random.uniform(longest / 2, longest))  # noqa: S311
        before_each()
        try:
            answer = client.bulk(body=b"".join(lines for _, lines in left), params={"_source": "false"})
        except TransportError as error:
            if not is_transient(error):
                raise StorageError(f"the search index could not be written: {cause_of(error)}") from None
            cause = cause_of(error)
            continue
        again = []
        for sent, item in zip(left, answer["items"] if answer["errors"] else (), strict=bool(answer["errors"])):
            ((_, result),) = item.items()
            if "error" not in result:
                continue
            if result["status"] in WORTH_REPEATING:
                again.append(sent)
                cause = f"{result['status']} {result['error']['type']}"
            else:
                refused[sent[0].id] = result["error"]["type"]
        if not again:
            return refused
        left = again
    taken = f"{len(request) - len(left)} of {len(request)} operations in {ATTEMPTS} tries"
    raise Transient(f"the search index took {taken}: {cause}")
