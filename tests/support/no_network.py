"""A machine without internet: every download is refused by a proxy that is not there, and no cache holds any weights."""

from __future__ import annotations

from pathlib import Path

import pytest


def refuse_downloads(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Lets this process, and those it starts, download nothing and find nothing that was downloaded before."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    monkeypatch.setenv("HF_HOME", str(home / "huggingface"))
