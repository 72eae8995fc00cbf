"""The `medsearch` command: collects the commands of this package's modules, runs one, and prints errors on one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from medsearch_core.errors import MedsearchError
from medsearch_core.process.environment import load_env_file, load_settings
from medsearch_core.process.permissions import keep_files_private
from medsearch_core.process.signals import heed_signals
from medsearch_pipeline.cli.command import Command, CommandGroup
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.home_settings import use_home_settings

MODULES = {
    "up": "up",
    "demo": "demo",
    "check": "check",
    "ingest": "ingest",
    "status": "status",
    "where": "where",
    "ledger": "ledger",
    "rejections": "ledger",
    "stale": "stale",
    "reindex": "releases",
    "releases": "releases",
    "rollback": "releases",
    "discard": "releases",
    "tag": "tags",
    "untag": "tags",
    "embedder": "embedder",
    "webserver": "webserver",
    "model": "model",
    "read": "read",
    "inspect": "inspect",
    "evaluate": "evaluate",
}
"""Command → its module, in the order of the help. Only the given command's module is imported: some need seconds."""
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status. Errors are printed on one line, without a stack trace."""
    heed_signals()
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = build_parser(arguments)
    if arguments and (meant := nearest_command(arguments[0])):
        parser.error(f"{arguments[0]} is not a command: did you mean {meant}?")
    values = vars(parser.parse_args(arguments))
    command: Command = values.pop("command")
    env_file: Path | None = values.pop("env_file")
    try:
        load_env_file(env_file)
        keep_files_private()
        if not command.needs_settings:
            return command.run(Console(), **values)
        use_home_settings(values.pop("home"), os.environ)
        return command.run(Console(), load_settings(Settings), **values)
    except MedsearchError as error:
        for line in str(error).splitlines():
            print(f"medsearch: {line}", file=sys.stderr)
    except KeyboardInterrupt:
        print("medsearch: stopped", file=sys.stderr)
        return INTERRUPTED
    return 1


def nearest_command(name: str) -> str | None:
    """The command that a mistyped name is nearest to; None for a command, an option, or a name that is near to none."""
    if name in MODULES or name.startswith("-"):
        return None
    return next(iter(get_close_matches(name, MODULES, n=1)), None)


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of the command that the arguments begin with, or of all."""
    parser = argparse.ArgumentParser(
        prog="medsearch",
        description="Command-line companion to the Dagster UI.",
        epilog="Configured by environment variables or a .env file in the current folder; see docs/settings.md.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('medsearch')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in commands_for(arguments):
        command.add_to(commands)
    return parser


def commands_for(arguments: Sequence[str]) -> Iterator[Command | CommandGroup]:
    """The commands of the module that the first argument names, or of all modules."""
    named = MODULES.get(arguments[0]) if arguments else None
    for module in dict.fromkeys(MODULES.values()) if named is None else (named,):
        yield from import_module(f"medsearch_pipeline.cli.{module}").COMMANDS
