"""`medsearch tag` and `untag`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console

from medsearch_core.keys import StudyKey
from medsearch_core.search.open import open_index
from medsearch_pipeline.cli.command import Command, study_key
from medsearch_pipeline.cli.warehouse import open_warehouse
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.tags import refresh, retag


def tag(console: Console, settings: Settings, study: StudyKey, tags: Sequence[str]) -> int:
    """Adds tags to a study."""
    return _retag(console, settings, study, add=tags)


def untag(console: Console, settings: Settings, study: StudyKey, tags: Sequence[str]) -> int:
    """Removes tags from a study, all if none is named."""
    return _retag(console, settings, study, remove=tags or None)


def _retag(
    console: Console, settings: Settings, study: StudyKey, add: Sequence[str] = (), remove: Sequence[str] | None = ()
) -> int:
    warehouse = open_warehouse(settings)
    tags = retag(warehouse, study, add, remove)
    console.print(f"{study}: {', '.join(tags) or 'no tags'}", markup=False, highlight=False)
    if not refresh(warehouse, open_index(settings), study):
        console.print("It is not in the search index yet; when it is, its tags will be.")
    return 0


def _add_study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=study_key, metavar="PATIENT/STUDY", help="the study, spelled as its Dagster partition")


def _add_tag_arguments(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("tags", nargs="+", metavar="TAG", help="1 to 64 printable characters; never a patient's name")


def _add_untag_arguments(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("tags", nargs="*", metavar="TAG", help="the tags")


COMMANDS = (
    Command("tag", "add tags to a study; searches find them at once", tag, _add_tag_arguments),
    Command("untag", "remove tags from a study; all of them if none is named", untag, _add_untag_arguments),
)
