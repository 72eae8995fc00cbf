"""A machine without internet: every download is refused by a proxy that is not there, and no cache holds any weights."""

from __future__ import annotations

from pathlib import Path

import pytest

OPENER = "urllib.request._opener"
"""What remembers the proxies of the first request for the rest of the process, as HTTP clients in Rust do."""


def refuse_downloads(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Lets this process, and those it starts, download nothing and find nothing that was downloaded before."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "localhost,127.0.0.1")
    monkeypatch.setattr(OPENER, None)
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))
