"""A cluster with faults: a proxy in front of a real node that answers selected bulk requests like an overloaded cluster."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal["503", "429", "hang up", "items 429", "items 503"]
BUSY = {"429": "rejected_execution_exception", "503": "unavailable_shards_exception"}


class FaultyCluster:
    """Each bulk request uses up one fault. `asked` counts those requests."""

    def __init__(self, url: str, faults: list[Fault]) -> None:
        self.behind = url
        self.faults = faults
        self.asked = 0
        self.url = ""
        self.lock = threading.Lock()

    def next_fault(self) -> Fault | None:
        with self.lock:
            self.asked += 1
            return self.faults.pop(0) if self.faults else None


@contextmanager
def faulty(url: str, *faults: Fault) -> Iterator[FaultyCluster]:
    """The cluster at `url` behind these faults."""
    cluster = FaultyCluster(url, list(faults))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16

        def log_message(self, *_: object) -> None:
            return

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = cluster.next_fault() if self.path.startswith("/_bulk") else None
            if fault == "hang up":
                self.close_connection = True
                return
            if fault in ("429", "503"):
                self.reply(int(fault), {"error": {"type": BUSY[fault], "reason": "busy"}, "status": int(fault)})
                return
            if fault is not None:
                rest = _all_but_the_first(body)
                status, answer = self.ask(rest) if rest else (200, {"took": 0, "items": []})
                _refuse_the_first(answer, fault.removeprefix("items "))
                self.reply(status, answer)
                return
            self.reply(*self.ask(body))

        def ask(self, body: bytes) -> tuple[int, Any]:
            headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
            where = cluster.behind + self.path
            request = urllib.request.Request(where, body or None, headers, method=self.command)  # noqa: S310
            try:
                with urllib.request.urlopen(request) as got:  # noqa: S310
                    return got.status, json.loads(got.read() or b"{}")
            except urllib.error.HTTPError as error:
                return error.code, json.loads(error.read() or b"{}")

        def reply(self, status: int, answer: Any) -> None:
            encoded = b"" if self.command == "HEAD" else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = forward

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cluster.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()


def _all_but_the_first(body: bytes) -> bytes:
    """A bulk body without its first operation."""
    lines = body.split(b"\n")
    lines = lines[1:] if "delete" in json.loads(lines[0]) else lines[2:]
    return b"\n".join(lines) if any(lines) else b""


def _refuse_the_first(answer: Any, status: str) -> None:
    refused = {"index": {"_id": "?", "status": int(status), "error": {"type": BUSY[status], "reason": "busy"}}}
    answer["items"].insert(0, refused)
    answer["errors"] = True
