"""Arguments of the `medsearch` command, and how it says what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from medsearch_core.errors import MedsearchError
from medsearch_core.keys import StudyKey
from medsearch_core.records import STATES
from medsearch_pipeline.cli.evaluate import evaluate_reports
from medsearch_pipeline.cli.ledger import print_ledger, print_rejections
from medsearch_pipeline.cli.model import describe_model
from medsearch_pipeline.cli.releases import discard, print_releases, rebuild, rollback
from medsearch_pipeline.cli.stale import print_stale
from medsearch_pipeline.cli.tags import tag, untag
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.settings import Settings

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status. What is wrong is said in one line, without a stack trace."""
    given = vars(_parser().parse_args(arguments))
    run = given.pop("run")
    try:
        return run(Console(), **given)
    except MedsearchError as error:
        print(f"medsearch: {error}", file=sys.stderr)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            print(f"medsearch: MEDSEARCH_{str(fault['loc'][0]).upper()}: {fault['msg']}", file=sys.stderr)
    except KeyboardInterrupt:
        print("medsearch: stopped", file=sys.stderr)
        return INTERRUPTED
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="medsearch", description="Runs beside Dagster's UI.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[..., int], help_: str, conflicts: str = "error") -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, help=help_, description=help_, conflict_handler=conflicts)
        added.set_defaults(run=run)
        return added

    demo = command("demo", _demo, "make demo data, start everything, ingest it, and serve it until Ctrl-C")
    demo.add_argument("--home", type=Path, default=Path(".medsearch/demo"), help="folder of everything the demo writes")
    demo.add_argument("--patients", type=int, default=64, help="patients to draw")
    demo.add_argument("--once", action="store_true", help="stop when the example query is answered")

    help_ = "say what became of every landed object, and check that the totals reconcile"
    ledger = command("ledger", _with_settings(print_ledger), help_)
    ledger.add_argument("--state", choices=STATES, help="list the objects of one state")
    ledger.add_argument("--study", type=_study, metavar="PATIENT/STUDY", help="list the objects of one study")
    ledger.add_argument("--csv", dest="is_csv", action="store_true", help="print the rows as CSV, all unless a choice is made")
    help_ = "list every refused object and frame with its reason, and check that the totals reconcile"
    command("rejections", _with_settings(print_rejections), help_)

    stale = command("stale", _with_settings(print_stale), "say which studies are stale, why, and which job mends them")
    stale.add_argument("--studies", action="store_true", help="list the studies")

    help_ = "build a release of the search index from Parquet beside the current one, check it, and put it in place"
    build = command("reindex", _with_settings(rebuild), help_)
    build.add_argument("--fresh", dest="is_fresh", action="store_true", help="do not go on with an unfinished release")
    build.add_argument(
        "--allow-missing", dest="may_miss", action="store_true", help="publish also without the studies that cannot be read"
    )
    command("releases", _with_settings(print_releases), "list the releases of the search index")
    back = command("rollback", _with_settings(rollback), "send all readers to the previous release, or to the one named")
    back.add_argument("name", nargs="?", metavar="NAME", help="a release that was published before")
    drop = command("discard", _with_settings(discard), "delete a release that is not the current one")
    drop.add_argument("name", metavar="NAME", help="the release")

    help_ = "compare what is read with what is known; nothing of a deployment is read or changed"
    kinds = command("evaluate", evaluate_reports, help_).add_subparsers(required=True, metavar="WHAT")
    help_ = "the reader of reports: precision, recall and F1 per finding against whole reports, or a corpus of marked mentions"
    measured = kinds.add_parser("reports", help=help_, description=help_)
    measured.set_defaults(run=evaluate_reports)
    measured.add_argument("gold", type=Path, metavar="GOLD", help="CSV: filename and a column a finding; or a corpus")
    measured.add_argument("--reports", type=Path, metavar="FOLDER", help="where the reports are, as .txt or Open-i's .xml")
    measured.add_argument(
        "--misses", type=Path, metavar="FILE", help="write confused mentions with sentence and cue: report text!"
    )

    web = command(
        "webserver", _with_settings(_webserver), "serve Dagster's UI, closed to other web pages, until Ctrl-C", "resolve"
    )
    web.add_argument("-w", "--workspace", action="append", default=[], help="a workspace file; ./workspace.yaml by default")
    web.add_argument("-m", "--module-name", dest="module", action="append", default=[], help="a module of Dagster definitions")
    web.add_argument("-h", "--host", default="127.0.0.1", help="address to listen on")
    web.add_argument("-p", "--port", type=int, default=3000, help="port to listen on")
    web.add_argument(
        "-l", "--path-prefix", dest="prefix", type=_prefix, default="", metavar="PATH", help="path in front, such as /dagster"
    )
    web.add_argument("--read-only", dest="is_read_only", action="store_true", help="refuse everything that starts or changes")

    command("embedder", _with_settings(_embedder), "give files vectors over HTTP, for searches by upload, until Ctrl-C")

    help_ = "say what is known of a model's file, which is needed to use it"
    said = command("model", describe_model, help_).add_subparsers(required=True, metavar="WHAT")
    help_ = "write FILE's metadata beside it: input, dimensions, licence and SHA-256"
    described = said.add_parser("describe", help=help_, description=help_)
    described.set_defaults(run=describe_model)
    described.add_argument(
        "file", type=Path, metavar="FILE", help="a model (.onnx, .pt2, .pt, .ts), or weights with --dimensions"
    )
    described.add_argument("--id", dest="model_id", required=True, help="the model's name, which every vector will carry")
    described.add_argument("--licence", required=True, help="under which it may be used, such as Apache-2.0")
    described.add_argument("--side", type=int, required=True, help="of the square it sees, in pixels")
    for name in ("mean", "std"):
        help_ = f"{name} by channel, of values from 0 to 1; ImageNet's unless given"
        described.add_argument(f"--{name}", type=float, nargs=3, default=Input.model_fields[name].default, help=help_)
    described.add_argument("--dimensions", type=int, help="of its vectors; found by running it unless given")

    add = command("tag", _with_settings(tag), "give a study tags, which can be searched for at once")
    add.add_argument("study", type=_study, metavar="PATIENT/STUDY", help="the study, as in Dagster's partitions")
    add.add_argument("tags", nargs="+", metavar="TAG", help="1 to 64 printable characters; never a patient's name")
    remove = command("untag", _with_settings(untag), "take tags from a study; all of them if none is named")
    remove.add_argument("study", type=_study, metavar="PATIENT/STUDY", help="the study, as in Dagster's partitions")
    remove.add_argument("tags", nargs="*", metavar="TAG", help="the tags")
    return parser


def _study(text: str) -> StudyKey:
    try:
        return StudyKey.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _prefix(text: str) -> str:
    if text and (text.endswith("/") or not text.startswith("/")):
        raise argparse.ArgumentTypeError(f"{text} must begin with / and not end with it")
    return text


def _with_settings(run: Callable[..., int]) -> Callable[..., int]:
    """The command, given the settings of the environment."""
    return lambda console, **given: run(console, Settings(), **given)


def _webserver(_: Console, settings: Settings, **options: Any) -> int:
    from medsearch_pipeline.webserver.command import serve

    return serve(settings, **options)


def _embedder(_: Console, settings: Settings) -> int:
    from medsearch_pipeline.embedder.service import serve

    return serve(settings)


def _demo(_: Console, home: Path, patients: int, once: bool) -> int:
    from medsearch_pipeline.demo.run import run_demo

    return run_demo(home, patients, once)
