"""`medsearch read`, as it is typed."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from medsearch_core.records import EntityRecord, ReportRecord
from medsearch_core.reports.read import read_report
from medsearch_pipeline.cli import main
from medsearch_pipeline.cli.report_view import describe_mentions, describe_report, highlight, print_report
from medsearch_pipeline.cli.tables import fit_widths

TEXT = (
    "INDICATION: Fever, rule out pneumonia.\r\n\r\nCOMPARISON: Old effusion.\r\n\r\n"
    "FINDINGS: Mild cardiomegaly. Small left pleural effusion. No pneumothorax. Possible pneumonia. "
    "The lungs are clear.\r\n\r\n"
    "IMPRESSION: No effusion.\r\n"
)


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "r1.txt"
    path.write_text(TEXT, newline="")
    return str(path)


def read(text: str) -> tuple[ReportRecord, list[EntityRecord]]:
    return read_report(text.encode(), report_id="r1", patient="", study="", key="r1.txt")


def lines_of(shown: str) -> list[str]:
    return [" ".join(re.sub("[│┃]", " ", line).split()) for line in shown.splitlines()]


def test_a_report_is_shown_with_its_mentions_and_what_it_says(report: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", report]) == 0
    lines = lines_of(capsys.readouterr().out)
    assert lines[0] == "Skipped INDICATION: not a finding unless a symptom, COMPARISON: historical"
    assert "indication pneumonia hypothetical rule out J18.9" in lines
    assert "comparison pleural effusion historical Old J90" in lines
    assert any(line.startswith("findings pleural effusion present left") for line in lines)
    assert any(line.startswith("findings consolidation, lung infiltrate") and "lungs are clear" in line for line in lines)
    assert any(line.startswith("Conflict pleural effusion: absent in impression") for line in lines)


def test_a_report_without_mentions_has_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    german = "Befund: Kein Erguss. Die Lungen sind frei und das Herz erscheint nicht vergroessert. Beurteilung: Unauffaellig."
    for text, line in ((german, "Not read language: German"), ("FINDINGS: See the other report.", "Mentions none")):
        (tmp_path / "r.txt").write_text(text)
        assert main(["read", str(tmp_path / "r.txt")]) == 0
        shown = capsys.readouterr().out
        assert line in lines_of(shown)
        assert "assertion" not in shown


def test_what_counts_as_present_and_is_only_probable_is_marked() -> None:
    record, entities = read("FINDINGS: Probable pneumonia. Cardiomegaly.\nIMPRESSION: Probable edema. Pulmonary edema.")
    lines = dict(describe_report(record, entities))
    assert lines["Diagnoses present"].split(", ") == ["cardiomegaly", "pneumonia (probable)", "pulmonary edema"]
    assert "J18.9 (probable)" in lines["Codes present"]
    assert lines["Codes present"].count("probable") == 1


def test_nothing_is_cut_or_wrapped_where_the_output_is_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    sentence = "FINDINGS: " + "There is a small left pleural effusion with overlying atelectasis. " * 8
    (tmp_path / "long.txt").write_text(sentence)
    assert main(["read", str(tmp_path / "long.txt")]) == 0
    shown = capsys.readouterr().out
    assert sentence.strip() in shown
    assert "\x1b" not in shown
    assert "…" not in shown


def test_a_terminal_shows_mentions_by_assertion_and_a_legend(
    report: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["read", report]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"\x1b\[1;\d+mcardiomegaly\x1b\[0m", shown)
    assert re.search(r"No \x1b\[2;\d+mpneumothorax\x1b\[0m", shown)
    assert "present · uncertain · absent" in re.sub(r"\x1b\[[\d;]*m", "", shown).replace("\n", " ")
    assert not re.search(r"\x1b\[(\d+;)*[39][12](;\d+)*m", shown), "no red and no green"


def test_the_text_that_is_styled_is_the_mention_whatever_ends_its_lines() -> None:
    record, entities = read(TEXT)
    shown = highlight(record.text, entities)
    styled = {shown.plain[span.start : span.end] for span in shown.spans}
    assert styled == {e.text for e in entities}


def test_what_a_terminal_would_act_on_is_not_shown() -> None:
    record, entities = read("Small \x9b31m effusion.\x0c Pneumothorax\x85.")
    shown = highlight(record.text, entities)
    assert shown.plain == "Small  31m effusion.  Pneumothorax ."
    assert {shown.plain[s.start : s.end] for s in shown.spans} == {"effusion", "Pneumothorax"}


def test_json_is_the_rows_of_the_two_tables(report: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--json", report]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["report", "entities"]
    assert list(shown["report"]) == [f.name for f in fields(ReportRecord)]
    assert list(shown["entities"][0]) == [f.name for f in fields(EntityRecord)]
    assert shown["report"]["text"] == TEXT
    assert [TEXT[e["begin"] : e["end"]] for e in shown["entities"]] == [e["text"] for e in shown["entities"]]


def test_a_report_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"Left pneumothorax.")))
    assert main(["read", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["positive_diagnoses"] == ["pneumothorax"]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty_object"), (b" \n", "empty_report"), (b"\x00\x01\x02", "undecodable_text")],
)
def test_what_is_no_report_is_refused_in_one_line(
    data: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(data)
    assert main(["read", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert f"{path} is no report: {said}: " in shown.err


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path / "none.txt")]) == 1
    assert capsys.readouterr().err == f"medsearch: {tmp_path / 'none.txt'} cannot be read: No such file or directory\n"


def test_a_mention_shows_its_certainty_size_and_spelling() -> None:
    _, (mention,) = read("Nodule.")
    said = {"certainty": "probable", "assertion": "uncertain", "size_mm": 6.0, "prior_size_mm": 4.5, "spelling": "nodule"}
    (row,) = describe_mentions([EntityRecord(**(vars(mention) | said))])
    assert row[1:3] == ("pulmonary nodule (spelled Nodule)", "uncertain, probable")
    assert "6 mm, was 4.5 mm" in row
    (row,) = describe_mentions([EntityRecord(**(vars(mention) | {"above_carina_mm": -5.0}))])
    assert "5 mm below the carina" in row


def test_what_a_report_says_as_a_whole_is_listed_where_it_says_anything() -> None:
    record, _ = read("Clear.")
    said = {
        "language": "English",
        "exam_modality": "CT",
        "exam_body_parts": ["chest", "abdomen"],
        "categories": ["Lung-RADS 3"],
        "recommendations": ["CT in 3 months"],
        "is_communicated": True,
    }
    lines = dict(describe_report(ReportRecord(**(vars(record) | said))))
    assert {name: lines[name] for name in ("Language", "Examination", "Categories", "Recommended", "Communicated")} == {
        "Language": "English",
        "Examination": "CT chest, abdomen",
        "Categories": "Lung-RADS 3",
        "Recommended": "CT in 3 months",
        "Communicated": "yes",
    }
    assert "Diagnoses present" not in lines


def test_why_a_report_was_not_read_comes_first() -> None:
    record, _ = read(TEXT)
    shown = io.StringIO()
    print_report(Console(file=shown), ReportRecord(**(vars(record) | {"not_read": "language: German"})), [])
    assert lines_of(shown.getvalue())[0] == "Not read language: German"


@pytest.mark.parametrize(
    ("room", "widths"),
    [(30, [11, 3]), (11, [8, 3]), (10, [7, 3]), (9, [None, None])],
)
def test_a_table_of_whole_words_gets_the_width_that_fits(room: int, widths: list[int | None]) -> None:
    assert fit_widths([("one longer", "two longer!"), ("a", "abc")], room) == widths
