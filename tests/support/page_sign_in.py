"""The steps of signing in on the page, as HTTP."""

from __future__ import annotations

import http.cookies
import re

import httpx
import httpx2
from starlette.testclient import TestClient

HOME = "http://localhost:8000"
OWN = {"origin": HOME}
"""What the page's own requests say."""


def answer_of(started: httpx2.Response) -> str:
    """Lets the issuer's user continue, and gives the address that the browser is sent back to."""
    with httpx.Client() as browser:
        page = browser.get(started.headers["location"]).text
        onward = re.search('href="(/approve[^"]+)"', page)
        assert onward
        approved = browser.get(str(httpx.URL(started.headers["location"]).join(onward[1])))
    return approved.headers["location"]


def sign_in(service: TestClient) -> httpx2.Response:
    """The whole way."""
    return service.get(answer_of(service.get("/sign-in")))


def cookies_of(response: httpx2.Response) -> dict[str, http.cookies.Morsel]:
    """The cookies that a response sets."""
    found: dict[str, http.cookies.Morsel] = {}
    for line in response.headers.get_list("set-cookie"):
        found.update(http.cookies.SimpleCookie(line))
    return found
