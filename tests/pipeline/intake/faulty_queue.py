"""A queue with faults: a proxy before a real one that answers chosen requests as Amazon SQS does in trouble."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Fault = Literal["throttled", "hang up", "first entry fails"]


@dataclass
class FaultyQueue:
    """Faults by action, used up one a request. `asked` holds the actions asked for, in order."""

    behind: str
    faults: dict[str, list[Fault]]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, action: str) -> Fault | None:
        with self.lock:
            self.asked.append(action)
            left = self.faults.get(action, [])
            return left.pop(0) if left else None


@contextmanager
def faulty(endpoint: str, **faults: list[Fault]) -> Iterator[FaultyQueue]:
    """The service at an address behind these faults."""
    queue = FaultyQueue(endpoint, faults)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            match queue.next_fault(self.headers["X-Amz-Target"].removeprefix("AmazonSQS.")):
                case "hang up":
                    self.close_connection = True
                case "throttled":
                    self.reply(400, b'{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Request is throttled."}')
                case "first entry fails":
                    self.reply(*self.without_the_first_entry(body))
                case None:
                    self.reply(*self.ask(body))

        def without_the_first_entry(self, body: bytes) -> tuple[int, bytes]:
            """The batch without its first entry, which is answered as one that failed in the service."""
            asked = json.loads(body)
            first, *rest = asked["Entries"]
            status, answer = self.ask(json.dumps({**asked, "Entries": rest}).encode()) if rest else (200, b'{"Successful": []}')
            failed = [{"Id": first["Id"], "SenderFault": False, "Code": "InternalError", "Message": "try again"}]
            return status, json.dumps({**json.loads(answer), "Failed": failed}).encode()

        def ask(self, body: bytes) -> tuple[int, bytes]:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection")}
            request = urllib.request.Request(queue.behind + self.path, body, headers)  # noqa: S310
            try:
                with urllib.request.urlopen(request) as got:  # noqa: S310
                    return got.status, got.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        def reply(self, status: int, answer: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    queue.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield queue
    finally:
        server.shutdown()
        server.server_close()
