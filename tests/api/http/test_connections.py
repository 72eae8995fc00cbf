"""Connections whose request never comes whole, or whose response is never taken, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from medsearch_api.http import connections
from medsearch_api.http.connections import MAX_HEADER_BYTES, BoundedConnection

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


class Hurried(BoundedConnection):
    """With bounds that a test can wait for."""

    header_seconds, body_seconds, untaken_seconds = 0.2, 0.2, 0.2


async def _length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _long(request: Request) -> Response:
    return Response(b"x" * 2**26)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = Starlette(routes=[Route("/", _length, methods=["GET", "POST"]), Route("/long", _long)])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, http=Hurried, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=600) as client:
        yield client


def is_closed(client: socket.socket) -> bool:
    """Whether the service closes the connection without another byte. Waits for it."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


BODY = HEAD + b"Content-Length: 5\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET / HT", HEAD, BODY, BODY + b"ab"])
def test_half_a_request_is_not_waited_for_forever(client, sent):
    client.sendall(sent)
    assert is_closed(client)


def send_slowly(client: socket.socket) -> None:
    for byte in HEAD * 10_000:
        client.sendall(bytes([byte]))
        time.sleep(0.05)


def test_one_byte_now_and_then_does_not_help(client):
    with pytest.raises(OSError, match=r"reset|pipe"):
        send_slowly(client)


def test_a_header_has_a_greatest_length(client):
    with pytest.raises(OSError, match=r"reset|pipe"):
        client.sendall(HEAD + b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(MAX_HEADER_BYTES)))


def test_the_second_request_of_a_connection_is_bounded_too(client):
    client.sendall(HEAD + b"Content-Length: 2\r\n\r\nab")
    assert b"200 OK" in client.recv(4096)
    client.sendall(HEAD)
    assert is_closed(client)


def test_a_body_that_comes_at_a_fair_rate_may_take_its_time(client, monkeypatch):
    monkeypatch.setattr(connections, "BODY_BYTES_PER_SECOND", 10)
    client.sendall(HEAD + b"Content-Length: 600\r\n\r\n" + b"x" * 599)  # at this rate, a minute's bytes
    time.sleep(1)
    client.sendall(b"x")
    assert client.recv(4096).endswith(b"\r\n\r\n600")


def test_two_requests_at_once_are_both_answered(client):
    client.sendall((HEAD + b"Content-Length: 2\r\n\r\nab") * 2)
    received = b""
    while received.count(b"200 OK") < 2:
        received += client.recv(4096)


def test_a_response_that_is_not_taken_is_not_kept_forever(client):
    client.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
    client.recv(1)
    time.sleep(1)
    received = 1
    try:
        while data := client.recv(2**20):
            received += len(data)
    except ConnectionResetError:
        pass
    assert received < 2**26
