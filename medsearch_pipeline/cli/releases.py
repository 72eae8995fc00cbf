"""`medsearch reindex`, `releases`, `rollback` and `discard`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from medsearch_core.errors import MedsearchError, NoSuchRelease
from medsearch_core.search.open import open_index
from medsearch_core.search.releases import Release, ReleasedIndex, previous
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.tables import print_table
from medsearch_pipeline.cli.warehouse import open_warehouse
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.releases.build import ReindexResult, reindex
from medsearch_pipeline.releases.preconditions import check_configured_model, count_models, up_to_date_release
from medsearch_pipeline.settings import Settings

REPORT_INTERVAL_SECONDS = 5.0


def rebuild(console: Console, settings: Settings, fresh: bool, allow_missing: bool, any_model: bool) -> int:
    """Builds, verifies and publishes a release, unless the embeddings are of another model or the current release is up to
    date."""
    warehouse, index = open_warehouse(settings), open_index(settings)
    with LoadProgress(console) as progress:
        progress.step("Checking which model made the embeddings")
        studies_by_model = count_models(warehouse)
        if not any_model:
            check_configured_model(settings, warehouse, studies_by_model)
        if not fresh and (current := up_to_date_release(warehouse, index)):
            console.print(
                f"The current release, {current}, is up to date; nothing was built. Use --fresh to build another.",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            return 0
        done = reindex(
            warehouse,
            index,
            progress,
            fresh=fresh,
            allow_missing=allow_missing,
            min_recall=settings.index_min_recall,
            keep=settings.index_releases_kept,
            studies_by_model=studies_by_model,
        )
    for _, reason in sorted(done.missing.items()):
        print_line(console, f"missing: {reason}")
    for line in summary_lines(done):
        print_line(console, line)
    return 0


def summary_lines(done: ReindexResult) -> list[str]:
    """The result of a rebuild, in sentences."""
    images, reports, studies = done.verification.held
    seconds = max(done.seconds, 1e-9)
    lines = [
        f"Published release {done.name}: {images} images, {reports} reports, {studies} studies"
        + (f"; {len(done.missing)} studies missing." if done.missing else "."),
        f"Loaded {done.loaded_images} images of {done.loaded_studies} studies{' more' if done.is_resumed else ''} "
        f"in {done.seconds:.1f} s: {done.loaded_images / seconds:.1f} images/s, "
        f"{done.loaded_studies / seconds:.1f} studies/s.",
    ]
    if done.verification.recall is not None:
        lines.append(f"Recall@10 against exact search: {done.verification.recall:.3f}, on {done.verification.sample} images.")
    return [*lines, *(f"Deleted release {name}." for name in done.discarded)]


def print_releases(console: Console, settings: Settings) -> int:
    """Prints a table of all releases, the newest first."""
    index = open_index(settings)
    rows = [
        (
            release.name,
            _format_time(release.created),
            _format_time(release.published) if release.published else "never",
            "yes" if release.is_current else "",
            *_release_cells(index, release),
        )
        for release in index.releases()
    ]
    columns = ("name", "created", "published", "current", "images", "reports", "studies", "model")
    print_table(console, columns, rows, uncut=("name",))
    return 0


def rollback(console: Console, settings: Settings, name: str | None) -> int:
    """Switches readers and writers to the previous release, or to a named one that was published before."""
    index = open_index(settings)
    releases = index.releases()
    target = _find_release(releases, name) if name else previous(releases)
    if target.is_current:
        console.print(f"{target.name} is already the current release.", soft_wrap=True)
        return 0
    if target.published is None:
        raise NoSuchRelease(f"{target.name} was never published: run medsearch reindex to verify and publish it")
    index.publish(target.name)
    left = next((r.name for r in releases if r.is_current), None)
    console.print(
        f"Release {target.name} is current again" + (f"; {left} is kept." if left else "."),
        "It lacks what was materialized since: run medsearch reindex to bring everything up to date.",
        sep="\n",
        soft_wrap=True,
    )
    return 0


def discard(console: Console, settings: Settings, name: str) -> int:
    """Deletes a release that is not the current one."""
    open_index(settings).discard(name)
    console.print(f"Deleted release {name}.", soft_wrap=True)
    return 0


class LoadProgress:
    """A progress bar on a terminal; elsewhere a line every few seconds. It restarts for each load of a rebuild."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("studies"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task("load", total=None, rate="")
        self._total = self._studies = self._images = 0
        self._started = self._reported = time.monotonic()

    def __enter__(self) -> LoadProgress:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def step(self, what: str) -> None:
        print_line(self._console, f"{what} …")

    def begin(self, studies: int) -> None:
        self._total, self._studies, self._images = studies, 0, 0
        self._started = self._reported = time.monotonic()
        if studies:
            self._bars.reset(self._task, total=studies, rate="")

    def advance(self, studies: int, images: int) -> None:
        self._studies += studies
        self._images += images
        now = time.monotonic()
        rate = f"{self._images / max(now - self._started, 1e-9):.1f} images/s"
        self._bars.update(self._task, completed=self._studies, rate=rate)
        is_due = now - self._reported >= REPORT_INTERVAL_SECONDS or self._studies == self._total
        if is_due and not self._console.is_terminal:
            self._reported = now
            self._console.print(f"{self._studies} of {self._total} studies, {rate}", highlight=False)


def _find_release(releases: Sequence[Release], name: str) -> Release:
    for release in releases:
        if release.name == name:
            return release
    raise NoSuchRelease(f"there is no release {name}: medsearch releases lists them")


def _release_cells(index: ReleasedIndex, release: Release) -> list[str]:
    """Images, reports, studies and model; a release that cannot be read shows that instead."""
    try:
        health = index.release(release.name).health()
    except MedsearchError:
        return ["", "", "", "cannot be read"]
    model = f"{health.model_id} {health.model_version}" if health.model_id else ""
    return [str(health.images), str(health.reports), str(health.studies), model]


def _format_time(time_: datetime) -> str:
    return time_.astimezone().strftime("%Y-%m-%d %H:%M")


def _add_rebuild_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fresh",
        dest="fresh",
        action="store_true",
        help="start over instead of resuming an unfinished release, even if the current one is up to date",
    )
    parser.add_argument(
        "--allow-missing", dest="allow_missing", action="store_true", help="publish even if some studies cannot be read"
    )
    parser.add_argument(
        "--any-model",
        dest="any_model",
        action="store_true",
        help="publish even if the embeddings are not of the configured model",
    )


def _add_rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="a release that was published before")


def _add_discard_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the release")


COMMANDS = (
    Command(
        "reindex",
        "build a new release of the search index from Parquet, verify it, and publish it",
        rebuild,
        _add_rebuild_arguments,
    ),
    Command("releases", "list the releases of the search index", print_releases),
    Command("rollback", "switch searches back to the previous release, or to NAME", rollback, _add_rollback_arguments),
    Command("discard", "delete a release that is not the current one", discard, _add_discard_arguments),
)
