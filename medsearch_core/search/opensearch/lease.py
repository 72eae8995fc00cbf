"""The lease of an index's single writer: a document that names the writer, renewed while it writes.

A process that dies stops renewing. The next takes over once the document has not changed for `TAKEOVER_SECONDS` by its own
clock; clocks are never compared. Changes use OpenSearch's sequence numbers, so if two take over at once, one wins.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from opensearchpy import ConflictError, NotFoundError, OpenSearch, OpenSearchException

from medsearch_core.errors import Transient
from medsearch_core.search.opensearch.client import failing_as

TTL_SECONDS = 15.0
"""How long a writer may write without having renewed its lease."""
TAKEOVER_SECONDS = TTL_SECONDS
RENEWAL_SECONDS = TTL_SECONDS / 5
RENEWAL_TIMEOUT_SECONDS = TTL_SECONDS / 3
PATIENCE_SECONDS = 600.0
DOCUMENT = "writer"

MAPPING = {
    "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
    "mappings": {
        "dynamic": "strict",
        "properties": {"owner": {"type": "keyword"}, "process": {"type": "keyword"}, "renewed": {"type": "long"}},
    },
}


class WriterLease:
    """Lets one thread of one process write. Reentrant.

    Args:
        clock: seconds, by which another writer's lease is old enough to be taken over.
    """

    def __init__(self, client: OpenSearch, index: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._index = index
        self._clock = clock
        self._turn = threading.RLock()
        self._depth = 0
        self._lost = threading.Event()
        self._prepared = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Acquires the lease, waiting if necessary, and releases it.

        Raises:
            Transient: another process kept writing for `PATIENCE_SECONDS`, or the cluster failed.
        """
        with self._turn:
            if self._depth:
                yield
                return
            with failing_as("written"):
                self._prepare()
                token = self._acquire()
            self._lost.clear()
            done = threading.Event()
            renewal = threading.Thread(target=self._renew, args=(token, done), daemon=True)
            renewal.start()
            self._depth = 1
            try:
                yield
            finally:
                self._depth = 0
                done.set()
                renewal.join()
                self._give_back(token)

    def check(self) -> None:
        """
        Raises:
            Transient: the lease was lost, because this process could not renew it in time.
        """
        if self._lost.is_set():
            raise Transient("another process took over writing the search index: run this again")

    def _prepare(self) -> None:
        if not self._prepared and not self._client.indices.exists(index=self._index):
            self._client.indices.create(index=self._index, body=MAPPING, params={"ignore": 400})
        self._prepared = True

    def _acquire(self) -> dict[str, Any]:
        owner, began = uuid4().hex, self._clock()
        seen: tuple[Any, ...] | None = None
        since = began
        while True:
            if (token := self._try(owner, None)) is not None:
                return token
            held = self._read()
            now = self._clock()
            if held is not None:
                version = (held["_seq_no"], held["_primary_term"])
                if version != seen:
                    seen, since = version, now
                elif now - since > TAKEOVER_SECONDS and (token := self._try(owner, version)) is not None:
                    return token
                if now - began > PATIENCE_SECONDS:
                    raise Transient(f"another process ({held['_source']['process']}) has been writing the search index")
            time.sleep(0.1)

    def _try(self, owner: str, over: tuple[int, int] | None) -> dict[str, Any] | None:
        """Takes the lease if it was free or still as seen."""
        body = _document(owner, 0)
        params: dict[str, Any] = {"op_type": "create"} if over is None else {"if_seq_no": over[0], "if_primary_term": over[1]}
        try:
            answer = self._client.index(index=self._index, id=DOCUMENT, body=body, params=params)
        except ConflictError:
            return None
        return {"owner": owner, "seq_no": answer["_seq_no"], "term": answer["_primary_term"], "times": 0}

    def _read(self) -> Any | None:
        try:
            return self._client.get(index=self._index, id=DOCUMENT)
        except NotFoundError:
            return None

    def _renew(self, token: dict[str, Any], done: threading.Event) -> None:
        last = time.monotonic()
        while not done.wait(RENEWAL_SECONDS):
            try:
                if not self._renewed(token):
                    self._lost.set()
                    return
                last = time.monotonic()
            except OpenSearchException:  # the cluster may come back before anyone can take over
                if time.monotonic() - last > TTL_SECONDS:
                    self._lost.set()

    def _renewed(self, token: dict[str, Any]) -> bool:
        params = {"if_seq_no": token["seq_no"], "if_primary_term": token["term"], "request_timeout": RENEWAL_TIMEOUT_SECONDS}
        body = _document(token["owner"], token["times"] + 1)
        try:
            answer = self._client.index(index=self._index, id=DOCUMENT, body=body, params=params)
        except ConflictError:
            answer = self._read()  # the answer to an earlier try may have been lost
            if answer is None or answer["_source"]["owner"] != token["owner"]:
                return False
        token |= {"seq_no": answer["_seq_no"], "term": answer["_primary_term"], "times": token["times"] + 1}
        return True

    def _give_back(self, token: dict[str, Any]) -> None:
        params = {"if_seq_no": token["seq_no"], "if_primary_term": token["term"]}
        try:
            self._client.delete(index=self._index, id=DOCUMENT, params=params)
        except OpenSearchException:  # it expires by itself
            return


def _document(owner: str, times: int) -> dict[str, Any]:
    return {"owner": owner, "process": f"{socket.gethostname()}:{os.getpid()}", "renewed": times}
