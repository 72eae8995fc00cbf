"""`Command`: name, help, arguments and function of one command. Each module of this package declares its own `COMMANDS`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from medsearch_core.keys import StudyKey

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def no_arguments(_: argparse.ArgumentParser) -> None:
    """For a command without arguments."""


@dataclass(frozen=True)
class Command:
    """One command of `medsearch`.

    Attributes:
        run: Gets the console, the settings if `needs_settings`, and the arguments by name. Returns the exit status.
    """

    name: str
    help: str
    run: Callable[..., int]
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    needs_settings: bool = True
    conflict_handler: str = "error"

    def add_to(self, commands: Subparsers) -> None:
        """Adds the command to a parser's commands."""
        parser = _add_parser(commands, self.name, self.help, self.conflict_handler)
        parser.add_argument("--env-file", type=Path, metavar="FILE", help="read variables from FILE instead of .env")
        if self.needs_settings:
            parser.add_argument(
                "--home",
                type=Path,
                metavar="FOLDER",
                help="look at what medsearch up or demo started with this --home (default: .medsearch, if nothing else is set)",
            )
        parser.set_defaults(command=self)
        self.add_arguments(parser)


@dataclass(frozen=True)
class CommandGroup:
    """A group of two-word commands such as `medsearch model describe`."""

    name: str
    help: str
    commands: tuple[Command, ...]

    def add_to(self, commands: Subparsers) -> None:
        """Adds the group to a parser's commands."""
        nested = _add_parser(commands, self.name, self.help).add_subparsers(required=True, metavar="COMMAND")
        for command in self.commands:
            command.add_to(nested)


def _add_parser(commands: Subparsers, name: str, help_: str, conflict_handler: str = "error") -> argparse.ArgumentParser:
    description = f"{help_[0].upper()}{help_[1:]}."
    return commands.add_parser(name, help=help_, description=description, conflict_handler=conflict_handler)


def study_key(text: str) -> StudyKey:
    """Argument type of a study key."""
    try:
        return StudyKey.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
