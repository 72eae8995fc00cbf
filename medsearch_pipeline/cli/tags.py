"""`medsearch tag` and `untag`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from rich.console import Console

from medsearch_core.errors import InvalidQuery
from medsearch_core.keys import StudyKey
from medsearch_core.search.open import open_index
from medsearch_pipeline.cli.command import Command, study_key
from medsearch_pipeline.cli.warehouse import open_warehouse
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.personal_tags import looks_like_person
from medsearch_pipeline.studies.tags import refresh, retag


def tag(console: Console, settings: Settings, study: StudyKey, tags: Sequence[str], yes: bool) -> int:
    """Adds tags to a study.

    Raises:
        InvalidQuery: a tag looks like patient data, and --yes is not given.
    """
    found = {each: what for each in tags if (what := looks_like_person(each))}
    if found and not yes:
        named = ", ".join(f"{_quote(each)} looks like {what}" for each, what in found.items())
        raise InvalidQuery(f"{named}. Everyone who can search sees tags. If it identifies no patient, repeat with --yes")
    return _retag(console, settings, study, add=tags)


def untag(console: Console, settings: Settings, study: StudyKey, tags: Sequence[str]) -> int:
    """Removes tags from a study; all of them if none is named."""
    return _retag(console, settings, study, remove=tags or None)


def _retag(
    console: Console, settings: Settings, study: StudyKey, add: Sequence[str] = (), remove: Sequence[str] | None = ()
) -> int:
    warehouse = open_warehouse(settings)
    tags = retag(warehouse, study, add, remove)
    console.print(f"{study}: {', '.join(map(_quote, tags)) or 'no tags'}", markup=False, highlight=False)
    if not refresh(warehouse, open_index(settings), study):
        console.print("The study is not in the search index yet; its tags will be indexed with it.")
    return 0


def _quote(tag: str) -> str:
    """A tag in quotes, so that one tag with a comma does not look like two."""
    return json.dumps(tag, ensure_ascii=False)


def _add_study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", type=study_key, metavar="PATIENT/STUDY", help="the study, spelled as its Dagster partition")


def _add_tag_arguments(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("tags", nargs="+", metavar="TAG", help="1 to 64 printable characters; never a patient's name")
    parser.add_argument("--yes", action="store_true", help="also add tags that look like a name, a record number or a date")


def _add_untag_arguments(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("tags", nargs="*", metavar="TAG", help="the tags")


COMMANDS = (
    Command("tag", "add tags to a study; searches find them at once", tag, _add_tag_arguments),
    Command("untag", "remove tags from a study; all of them if none is named", untag, _add_untag_arguments),
)
