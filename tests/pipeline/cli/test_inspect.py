"""`medsearch inspect`, as it is typed."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.thumbnails import decode_png, encode_png, thumbnail
from medsearch_pipeline.cli import main
from medsearch_pipeline.cli.inspection_view import preview, print_inspection
from medsearch_pipeline.intake.file_inspection import FileInspector
from medsearch_pipeline.settings.layout import MIMIC_CXR
from tests.core.dicom.encoders import RAMP
from tests.support.factories import IDENTITY, dataset, dicom_bytes
from tests.support.radiology import GRAPHICS, negative

GOOD = dicom_bytes(dataset(RAMP, PatientName="Sacred^Name", PatientID="SACRED7", PatientBirthDate="19501231"))
CINE = dicom_bytes(dataset(np.stack([RAMP, RAMP // 2, RAMP[::-1]]), SOPInstanceUID="2.25.8"))
WITHOUT_IMAGE = dicom_bytes(dataset(None))


@pytest.fixture(autouse=True)
def no_deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, data: bytes) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


def as_json(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def picture(data: bytes, frame: int = 1) -> bytes:
    return encode_png(thumbnail(read_dataset(data), frame))


def test_a_file_is_shown_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", write("1.dcm", GOOD)]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "1.dcm: used"
    shown = {line[2:18].strip(): line[19:] for line in lines}
    assert shown["study"] == IDENTITY["StudyInstanceUID"]
    assert shown["instance"] == IDENTITY["SOPInstanceUID"]
    assert [shown[name].split(" ")[0] for name in ("packing", "decoding", "grays")] == ["native", "uncompressed", "percentiles"]
    assert "min=0, max=4095" in shown["samples"]
    assert hashlib.sha256(picture(GOOD)).hexdigest() in shown["thumbnail"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nothing_of_the_patient_is_printed(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bad = GOOD.replace(IDENTITY["StudyInstanceUID"].encode(), b"SACRED9.0.1.1")
    assert main(["inspect", write("1.dcm", GOOD), write("2.dcm", bad), *options]) == 1
    shown = "".join(capsys.readouterr()).upper()
    assert "SACRED" not in shown
    assert "19501231" not in shown


def test_json_has_the_same_of_every_file_and_frame(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", write("1.dcm", GOOD), write("cine.dcm", CINE), "--json"]) == 0
    good, cine = as_json(capsys)
    assert (good["state"], good["kind"], good["sha256"]) == ("used", "dicom", hashlib.sha256(GOOD).hexdigest())
    assert [frame["frame"] for frame in cine["pixels"]["frames"]] == [1, 2, 3]
    digests = [frame["thumbnail"]["sha256"] for frame in cine["pixels"]["frames"]]
    assert digests == [hashlib.sha256(picture(CINE, n)).hexdigest() for n in (1, 2, 3)]


def test_the_picture_of_a_file_is_the_thumbnail() -> None:
    assert main(["inspect", write("1.dcm", GOOD), "--png", "out.png"]) == 0
    assert Path("out.png").read_bytes() == picture(GOOD)


def test_overlays_are_drawn_on_request_alone() -> None:
    file = write("1.dcm", negative())
    assert main(["inspect", file, "--png", "plain.png"]) == 0
    assert main(["inspect", file, "--overlays", "--png", "drawn.png"]) == 0
    plain, drawn = (decode_png(Path(name).read_bytes()) for name in ("plain.png", "drawn.png"))
    assert Path("plain.png").read_bytes() == picture(negative())
    assert (drawn[2:18, 4:20][GRAPHICS] == 255).all()
    assert (drawn != plain).sum() == GRAPHICS.sum()


def test_those_of_several_frames_and_files_are_in_a_folder() -> None:
    assert main(["inspect", write("cine.dcm", CINE), "--png", "frames"]) == 0
    assert {path.name: path.read_bytes() for path in Path("frames").iterdir()} == {
        f"cine_{n}.png": picture(CINE, n) for n in (1, 2, 3)
    }
    assert main(["inspect", write("a/1.dcm", GOOD), write("b/1.dcm", CINE), write("c/1.dcm", GOOD), "--png", "files"]) == 0
    assert sorted(path.name for path in Path("files").iterdir()) == ["1-2.png", "1.png", "1_1.png", "1_2.png", "1_3.png"]


def test_the_side_of_a_thumbnail_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSEARCH_THUMBNAIL_SIDE", "64")
    assert main(["inspect", write("1.dcm", GOOD), "--png", "out.png"]) == 0
    assert decode_png(Path("out.png").read_bytes()).shape == (43, 64)


@pytest.mark.parametrize(
    ("name", "data", "status", "state", "reason"),
    [
        ("1.dcm", GOOD[:300], 1, "rejected", "truncated_header"),
        ("1.dcm", b"no image", 1, "rejected", "not_dicom"),
        ("1.dcm", GOOD[:-5000], 1, "rejected", "truncated_pixel_data"),
        ("1.dcm", CINE[:-5000], 1, "partly used", "truncated_pixel_data"),
        ("1.dcm", WITHOUT_IMAGE, 0, "excluded", "no_pixel_data"),
        ("1.txt", b"FINDINGS: No effusion.", 0, "used", None),
    ],
)
def test_the_status_says_whether_a_file_is_rejected(
    name: str, data: bytes, status: int, state: str, reason: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", write(name, data), write("good.dcm", GOOD), "--json"]) == status
    found, good = as_json(capsys)
    assert (found["state"], good["state"]) == (state, "used")
    assert [each["reason"] for each in found["rejections"]] == ([reason] if reason else [])


def test_a_file_that_is_not_there_is_named_with_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "none.dcm", write("1.dcm", GOOD)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "none.dcm: rejected"
    assert "unreadable_object" in lines[1]
    assert "1.dcm: used" in lines


def test_pngs_that_cannot_be_written_are_an_error_that_names_file_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", write("1.dcm", GOOD), "--png", "none/out.png"]) == 1
    error = capsys.readouterr().err
    assert "1.dcm" in error
    assert "none/out.png" in error


def shown_on(console: Console) -> str:
    inspector = FileInspector(thumbnail_side=64, max_pixels=10**6, layout=MIMIC_CXR.pattern.pattern)
    (found,) = inspector.inspect([write("1.dcm", GOOD)])
    print_inspection(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_only_a_terminal_with_true_color_shows_the_picture() -> None:
    assert "▀" in shown_on(Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=120))
    assert "▀" not in shown_on(Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=120))
    assert "▀" not in shown_on(Console(file=io.StringIO(), force_terminal=False, width=120))


def test_a_character_of_the_preview_is_two_pixels_one_above_the_other() -> None:
    gray = np.array([[0, 255], [16, 32], [48, 64]], np.uint8)
    shown = preview(gray, 48)
    assert shown.plain == "▀▀\n▀▀"
    assert [str(span.style) for span in shown.spans] == [
        "#000000 on #101010",
        "#ffffff on #202020",
        "#303030 on #000000",
        "#404040 on #000000",
    ]
    assert max(len(line) for line in preview(np.zeros((200, 400), np.uint8), 48).plain.split("\n")) == 48


def test_what_a_terminal_would_act_on_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", write("\x1b[31m.dcm", GOOD)]) == 0
    assert "\x1b" not in capsys.readouterr().out
