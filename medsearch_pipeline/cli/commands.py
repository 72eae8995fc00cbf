"""The `medsearch` command: collects what each module of this package declares, runs one, and reports errors in one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from pydantic import ValidationError
from rich.console import Console

from medsearch_core.errors import MedsearchError
from medsearch_pipeline.cli import demo, embedder, evaluate, ledger, model, releases, stale, tags, webserver
from medsearch_pipeline.cli.command import Command, CommandGroup
from medsearch_pipeline.settings import Settings

COMMANDS: tuple[Command | CommandGroup, ...] = (
    *demo.COMMANDS,
    *ledger.COMMANDS,
    *stale.COMMANDS,
    *releases.COMMANDS,
    *tags.COMMANDS,
    *embedder.COMMANDS,
    *webserver.COMMANDS,
    *model.COMMANDS,
    *evaluate.COMMANDS,
)
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status. Errors are printed in one line, without a stack trace."""
    values = vars(build_parser().parse_args(arguments))
    command: Command = values.pop("command")
    try:
        inputs = (Console(), Settings()) if command.needs_settings else (Console(),)
        return command.run(*inputs, **values)
    except MedsearchError as error:
        print(f"medsearch: {error}", file=sys.stderr)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            print(f"medsearch: MEDSEARCH_{str(fault['loc'][0]).upper()}: {fault['msg']}", file=sys.stderr)
    except KeyboardInterrupt:
        print("medsearch: stopped", file=sys.stderr)
        return INTERRUPTED
    return 1


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="medsearch", description="Command-line companion to the Dagster UI.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('medsearch')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
