"""`medsearch evaluate`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_pipeline.cli import main
from tests.support.paths import PROJECT_ROOT

CORPUS = PROJECT_ROOT / "tests" / "core" / "reports" / "corpus.csv"
OPEN_I = '<eCitation><AbstractText Label="FINDINGS">No effusion.</AbstractText><AbstractText Label="IMPRESSION"/></eCitation>'


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("Effusion.")
    (tmp_path / "1.xml").write_text(OPEN_I)
    path = tmp_path / "gold.csv"
    path.write_text("filename,Effusion,Pneumonia\na,1,0\nCXR1,1,1\n")
    return path


def test_the_corpus_holds_and_a_row_that_does_not_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "reports", str(CORPUS)]) == 0
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("phenomenon,text,mention,assertion,code,said\nplain,No [effusion].,pleural effusion,present,,\n")
    assert main(["evaluate", "reports", str(wrong)]) == 1
    assert "plain: No [effusion].: absent by 'No', not present" in capsys.readouterr().out


def test_whole_reports_are_scored_with_ablations_and_their_confusions_written(
    gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    misses = tmp_path / "misses.csv"
    assert main(["evaluate", "reports", str(gold), "--reports", str(tmp_path), "--misses", str(misses)]) == 0
    shown = [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("Effusion 2 1.000 (1.000-1.000) 0.500 (0.000-1.000) 0.667") for line in shown)
    assert "no negation 1.000 0.667 0.800 0.500" in shown
    assert misses.read_text().splitlines()[1:] == [
        "CXR1,Effusion,miss,effusion,No effusion,findings,absent,No",
        "CXR1,Pneumonia,miss,,,,,",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("filename,Effusion\n", "gold.csv"),
        ("name,Effusion\na,1\n", "filename"),
        ("filename,Effusion\na,yes\n", "Effusion of a"),
        ("filename,Effusion\nb,1\n", "b.txt"),
    ],
)
def test_a_gold_standard_that_cannot_be_used_is_said_in_one_line(
    content: str, said: str, gold: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gold.write_text(content)
    assert main(["evaluate", "reports", str(gold), "--reports", str(gold.parent)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_whole_reports_need_a_folder(gold: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "reports", str(gold)]) == 1
    assert "--reports FOLDER" in capsys.readouterr().err


SENTENCES = """phenomenon,text,mention,assertion,code,said,status,accepted
side,Small left [effusion].,pleural effusion,present,J90,laterality=left,,
side,"Small right [effusion] and a long sentence, so that its line is longer than the eighty columns of a narrow window.",\
pleural effusion,present,,laterality=left,,
line,INDICATION: Cough.\\nFINDINGS: Pneumonia.,,,,,pneumonia=present,
"""


def test_sentences_are_counted_by_phenomenon_and_each_misreading_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = tmp_path / "sentences.csv"
    path.write_text(SENTENCES.replace("\\\n", ""))
    assert main(["evaluate", "sentences", str(path)]) == 1
    shown = [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    assert "side 1 2" in shown
    assert "line 1 1" in shown
    (miss,) = (line for line in shown if line.startswith("side: "))
    assert miss.endswith(" of a narrow window.: laterality is 'right', not 'left'")
    assert shown[-1] == "2 of 3 right"


def test_sentences_that_are_all_read_right_end_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sentences.csv"
    path.write_text("phenomenon,text,status\nplain,No effusion.,pleural effusion=absent\n")
    assert main(["evaluate", "sentences", str(path)]) == 0
    assert capsys.readouterr().out.endswith("1 of 1 right\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("phenomenon,mention\na,b\n", "needs a column text"),
        ("phenomenon,text\na,An effusion.\n", "put the mention in square brackets"),
        ("phenomenon,text\n", "has no rows"),
    ],
)
def test_sentences_that_cannot_be_judged_are_refused_in_one_line(
    content: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sentences.csv"
    path.write_text(content)
    assert main(["evaluate", "sentences", str(path)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
