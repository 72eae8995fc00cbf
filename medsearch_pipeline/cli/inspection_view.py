"""An inspection as text and as JSON. On a terminal with true color an image is shown in half blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from medsearch_core.dicom.inspection.record import Disagreement, FrameInspection, PixelInspection, Step
from medsearch_core.dicom.thumbnails import decode_png, picture_thumbnail
from medsearch_pipeline.intake.file_inspection import FileIdentity, FileInspection

PREVIEW_COLUMNS = 48
STYLES = {"rejected": "bold red", "partly used": "yellow", "excluded": "yellow"}
UPPER_HALF = "▀"
LABELS = {
    "halvings": "times halved in decoding",
    "is_cut_out": "bits outside the sample removed",
    "lowest_bit": "position of the sample's lowest bit",
    "held_bits": "bits allocated",
    "is_lossy": "lossy",
    "is_signed": "signed",
    "claimed_frames": "frames in the header",
    "claimed_bits": "bits in the header",
}
"""Parameter of a step → what text calls it; JSON keeps the names."""


def as_json(inspection: FileInspection) -> dict[str, Any]:
    """The inspection as JSON's types. Of an image it has size and digest, by which `thumbnails` can be compared."""
    shown = {"state": inspection.state, **asdict(inspection)}
    for frame in shown["pixels"]["frames"] if shown["pixels"] else ():
        png = frame.pop("png")
        frame["thumbnail"] = {"bytes": len(png), "sha256": hashlib.sha256(png).hexdigest()} if png else None
    return shown


def print_inspection(console: Console, inspection: FileInspection) -> None:
    """Prints one file. Of several frames, the steps of the middle one are shown, and what is wrong with any."""
    _print(console, f"{inspection.file}: {inspection.state}", STYLES.get(inspection.state, "bold"))
    for rejection in inspection.rejections:
        where = f"frame {rejection.frame}: " if rejection.frame else ""
        _print_line(console, rejection.reason, where + rejection.detail, "yellow")
    if inspection.kind == "report":
        _print_line(console, "report", "medsearch read shows what is read in it")
    if inspection.sha256:
        _print_line(console, "file", f"{inspection.bytes} bytes, SHA-256 {inspection.sha256}")
    if inspection.identity:
        _print_identity(console, inspection.identity)
    frames = inspection.pixels.frames if inspection.pixels else ()
    if inspection.pixels:
        _print_pixels(console, inspection.pixels)
    for disagreement, where in _merged((*inspection.disagreements, *_of_pixels(inspection.pixels))):
        _print_line(console, f"! {disagreement.code}", disagreement.detail + where, "yellow")
    shown = _middle(frames)
    if shown is not None and console.is_terminal and console.color_system == "truecolor":
        console.print(preview(decode_png(shown.png), min(PREVIEW_COLUMNS, console.width)))
    console.print()


def _print_identity(console: Console, who: FileIdentity) -> None:
    key = f"{who.patient}/{who.study}" if who.patient else "by the deployment's pseudonym key, which is not known here"
    _print_line(console, "study key", key)
    for name, uid in (
        ("study", who.study_instance_uid),
        ("series", who.series_instance_uid),
        ("instance", who.sop_instance_uid),
        ("class", f"{who.sop_class_uid} ({who.sop_class})" if who.sop_class else who.sop_class_uid),
    ):
        _print_line(console, name, uid or "none")
    if who.made_uids:
        _print_line(console, "made UIDs", ", ".join(who.made_uids))


def _print_pixels(console: Console, pixels: PixelInspection) -> None:
    for step in pixels.steps:
        _print_step(console, step)
    shown = _middle(pixels.frames)
    if shown is None:
        return
    if pixels.claimed > 1:
        _print_line(console, "frame", f"{shown.frame} of {pixels.claimed}")
    for step in shown.steps:
        _print_step(console, step)
    _print_line(console, "thumbnail", f"{len(shown.png)} bytes, SHA-256 {hashlib.sha256(shown.png).hexdigest()}")


def _middle(frames: Iterable[FrameInspection]) -> FrameInspection | None:
    """The frame that represents the object: the middle one of those that can be shown."""
    usable = [frame for frame in frames if frame.png]
    return usable[len(usable) // 2] if usable else None


def _of_pixels(pixels: PixelInspection | None) -> tuple[Disagreement, ...]:
    if pixels is None:
        return ()
    return (*pixels.disagreements, *(each for frame in pixels.frames for each in frame.disagreements))


def _merged(disagreements: Iterable[Disagreement]) -> Iterable[tuple[Disagreement, str]]:
    """Each disagreement once, and in how many frames it is, if in several."""
    counts: dict[tuple[str, str], list[Disagreement]] = {}
    for each in disagreements:
        counts.setdefault((each.code, each.detail), []).append(each)
    for same in counts.values():
        yield same[0], f" ({len(same)} frames)" if len(same) > 1 else ""


def preview(picture: np.ndarray, columns: int) -> Text:
    """An image in characters, two pixels in each, one above the other.

    Args:
        picture: uint8 `[rows, columns]` or `[rows, columns, 3]`.
        columns: maximum characters of a line.
    """
    small = picture_thumbnail(picture, columns)
    colors = small if small.ndim == 3 else np.repeat(small[..., np.newaxis], 3, axis=2)
    if len(colors) % 2:
        colors = np.concatenate([colors, np.zeros_like(colors[:1])])
    text = Text()
    for upper, lower in zip(colors[::2], colors[1::2], strict=True):
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            text.append(UPPER_HALF, f"{_hex(above)} on {_hex(below)}")
        text.append("\n")
    text.right_crop(1)
    return text


def _hex(color: list[int]) -> str:
    return "#" + bytes(color).hex()


def _print_step(console: Console, step: Step) -> None:
    _print_line(console, step.name, step.result + _parameters(step.parameters))


def _parameters(parameters: Mapping[str, object]) -> str:
    known = [f"{LABELS.get(name, name)}={_value(value)}" for name, value in parameters.items() if value is not None]
    return f" ({', '.join(known)})" if known else ""


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) and not value.is_integer() else str(value)


def _print_line(console: Console, name: str, text: str, style: str = "") -> None:
    _print(console, f"  {name:<16} {text}", style)


def _print(console: Console, line: str, style: str = "") -> None:
    """Prints a line without what a terminal would act on."""
    plain = "".join(each if each.isprintable() else "?" for each in line)
    console.print(Text(plain, style), soft_wrap=True)
