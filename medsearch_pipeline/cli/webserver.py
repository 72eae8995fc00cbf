"""`medsearch webserver`: Dagster's UI behind a guard."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.settings import Settings


def webserver(_: Console, settings: Settings, **options: Any) -> int:
    """Serves until Ctrl-C."""
    from medsearch_pipeline.webserver.command import serve

    return serve(settings, **options)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-w", "--workspace", action="append", default=[], help="a workspace file; ./workspace.yaml by default")
    add("-m", "--module-name", dest="module", action="append", default=[], help="a module of Dagster definitions")
    add("-h", "--host", default="127.0.0.1", help="address to listen on")
    add("-p", "--port", type=int, default=3000, help="port to listen on")
    add(
        "-l", "--path-prefix", dest="prefix", type=_prefix, default="", metavar="PATH", help="URL path prefix, such as /dagster"
    )
    add("--read-only", dest="is_read_only", action="store_true", help="refuse everything that starts runs or changes state")


def _prefix(text: str) -> str:
    if text and (text.endswith("/") or not text.startswith("/")):
        raise argparse.ArgumentTypeError(f"{text} must begin with / and not end with it")
    return text


COMMANDS = (
    Command(
        "webserver",
        "serve Dagster's UI, protected from other web pages, until Ctrl-C",
        webserver,
        _add_arguments,
        conflict_handler="resolve",  # -h is the host, as for dagster-webserver
    ),
)
