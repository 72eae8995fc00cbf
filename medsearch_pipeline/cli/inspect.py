"""`medsearch inspect`: what the pipeline would make of files, as text, as JSON and as PNGs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from medsearch_core.errors import MedsearchError
from medsearch_core.process.environment import load_settings
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.inspection_view import as_json, print_inspection
from medsearch_pipeline.intake.file_inspection import FileInspection, FileInspector
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.workers.decoding import decoding_workers

FAILED = ("rejected", "partly used")


def print_inspections(console: Console, files: Sequence[str], png: Path | None, is_json: bool, has_overlays: bool) -> int:
    """Prints what becomes of each file; returns 1 if one, or a frame of one, is rejected."""
    settings = load_settings(Settings)
    names: set[str] = set()
    found = []
    inspector = FileInspector.of(settings, has_overlays=has_overlays)
    for inspection in inspector.inspect_all(files, decoding_workers(settings)):
        if png is not None:
            _write_pngs(inspection, png, len(files) > 1, names)
        if not is_json:
            print_inspection(console, inspection)
        found.append((inspection.state, as_json(inspection) if is_json else None))
    if is_json:
        print(json.dumps([shown for _, shown in found], indent=2))
    return int(any(state in FAILED for state, _ in found))


def _write_pngs(inspection: FileInspection, out: Path, has_several: bool, names: set[str]) -> None:
    """Writes a file's images: to `out` if it is the only image, else into the folder `out`.

    Args:
        names: those that files of this call already have, which are not overwritten.
    """
    is_folder = has_several or out.is_dir() or (inspection.pixels is not None and inspection.pixels.claimed > 1)
    try:
        if is_folder:
            out.mkdir(parents=True, exist_ok=True)
        for stem, data in _images(inspection):
            name = next(name for name in _numbered(stem) if name not in names)
            names.add(name)
            (out / f"{name}.png" if is_folder else out).write_bytes(data)
    except OSError as error:
        raise MedsearchError(f"--png {out} cannot be written for {inspection.file}: {error.strerror}") from error


def _images(inspection: FileInspection) -> Iterator[tuple[str, bytes]]:
    stem, pixels = Path(inspection.file).stem, inspection.pixels
    for frame in pixels.frames if pixels is not None else ():
        if pixels is not None and frame.png:
            yield stem if pixels.claimed == 1 else f"{stem}_{frame.frame}", frame.png


def _numbered(stem: str) -> Iterator[str]:
    """The name, and those to use if files of other folders have it too."""
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="DICOM files")
    parser.add_argument(
        "--png", type=Path, metavar="OUT", help="write the thumbnail as PNG; for several files or frames OUT is a folder"
    )
    parser.add_argument(
        "--overlays", dest="has_overlays", action="store_true", help="draw overlay planes, which thumbnails do not have"
    )
    parser.add_argument("--json", dest="is_json", action="store_true", help="print a list of inspections as JSON")


COMMANDS = (
    Command(
        "inspect",
        "show what the pipeline makes of DICOM files, step by step; does not touch the deployment",
        print_inspections,
        _add_arguments,
        needs_settings=False,
    ),
)
