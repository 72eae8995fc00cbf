"""The `medsearch` command: one line for what is wrong, a table for what was rejected."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject, LedgerEntry
from medsearch_core.search.open import open_index
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse, study_path
from medsearch_pipeline.cli import main
from medsearch_pipeline.cli.commands import MODULES, commands_for
from medsearch_pipeline.intake.inventory import PATH
from medsearch_pipeline.settings import Settings
from tests.support.ingest import ingest, local_instance, settings_in, take_ledger
from tests.support.landing import folder_of, land_study
from tests.support.parquet_fixtures import (
    fill_warehouse,
    home_settings,
    put_report,
    put_study,
    record_configured_model,
    study_key,
    warehouse_of,
)
from tests.support.sentences import figures, settings_named_in

STUDY = StudyKey("p10000001", "s50000001")


@pytest.mark.parametrize(
    ("variable", "value", "shown", "choices"),
    [
        ("MEDSEARCH_MODEL", "resnet", "resnet", ["densenet121", "efficientnet_lite0", "torchvision:", "timm:"]),
        ("MEDSEARCH_BATCH_SIZE", "x", "x", []),
        ("MEDSEARCH_LANDING", "ftp://x", "ftp://x", ["s3://"]),
        ("MEDSEARCH_INDEX", "s3://b/i", "s3://b/i", ["http(s)://"]),
        ("MEDSEARCH_INDEX", "https://me:secret@host", "https://***@host", ["MEDSEARCH_INDEX_USER", "MEDSEARCH_INDEX_PASSWORD"]),
        ("MEDSEARCH_INDEX", "https://host:port", "https://host:port", ["http(s)://"]),
        ("MEDSEARCH_INDEX", "http://:9200", "http://:9200", ["http(s)://"]),
        ("MEDSEARCH_INDEX_RELEASES_KEPT", "0", "0", ["1"]),
        ("MEDSEARCH_INDEX_MIN_RECALL", "95", "95", ["1"]),
        ("MEDSEARCH_LAYOUT", "abc", "abc", ["patient", "study"]),
        ("MEDSEARCH_LAYOUT", "(foo", "(foo", []),
        ("MEDSEARCH_DECODER", "gpu", "gpu", ["'cpu'", "'nvimgcodec'"]),
        ("MEDSEARCH_ALERT_WEBHOOK", "http://host/secret", None, ["https://"]),
        ("MEDSEARCH_NONSENSE", "secret", None, []),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_its_value_and_the_choices(
    variable: str,
    value: str,
    shown: str | None,
    choices: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", "/no/such/warehouse")
    monkeypatch.setenv(variable, value)
    line = refusal(["rejections"], capsys)
    assert settings_named_in(line) == {variable, *(choice for choice in choices if choice.startswith("MEDSEARCH_"))}
    assert line.startswith(f"{variable}={shown}: " if shown else variable)
    told = line.removeprefix(f"{variable}={shown}: ")
    assert [choice for choice in choices if choice not in told] == []
    assert "secret" not in line


def test_a_misspelled_setting_is_named_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_WAREHOUSES", "secret")
    line = refusal(["rejections"], capsys)
    assert settings_named_in(line) == {"MEDSEARCH_WAREHOUSES", "MEDSEARCH_WAREHOUSE"}
    assert "secret" not in line


def test_a_missing_folder_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", "/no/such/warehouse")
    line = refusal(["rejections"], capsys)
    assert settings_named_in(line) == {"MEDSEARCH_WAREHOUSE"}
    assert "/no/such/warehouse" in line


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command ends with."""
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("medsearch: ")
    return line.removeprefix("medsearch: ")


@pytest.mark.parametrize("command", ["rejections", "ledger"])
def test_a_warehouse_without_a_ledger_is_not_reported_as_reconciled(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", str(tmp_path))
    line = refusal([command], capsys)
    assert str(tmp_path) in line
    assert "ledger_job" in line


EQUATION = (
    "5 objects = 2 DICOM objects indexed (2 images) + 1 report indexed + 0 pending + 1 rejected + 1 excluded "
    "+ 0 unaccounted for"
)
BROKEN = f"{folder_of(STUDY)}/[x].dcm"


@pytest.fixture(scope="module")
def accounted(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A study with a corrupt file, and a file that is none of ours, ingested and accounted for."""
    folder = tmp_path_factory.mktemp("accounted")
    settings, instance = settings_in(folder / "landing", folder), local_instance(folder / "dagster")
    landing = open_store(settings.landing)
    land_study(landing, STUDY, images=2)
    landing.write(BROKEN, b"%PDF-1.7")
    landing.write("index.html", b"<html>")
    ingest(settings, instance)
    assert take_ledger(settings, instance).success
    return settings


@pytest.fixture
def said(
    accounted: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a command over it: its exit status, and what it printed with single spaces."""
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", accounted.warehouse)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str]:
        status = main(arguments)
        return status, capsys.readouterr().out

    return run


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_rejection_is_listed_and_the_totals_reconcile(said: Callable[..., tuple[int, str]]) -> None:
    status, printed = said("rejections")
    assert status == 0
    for key, reason in ((BROKEN, "not_dicom"), ("index.html", "unrecognised_object")):
        (row,) = (line for line in printed.splitlines() if key in line)
        assert reason in row
    assert EQUATION in words(printed)


def test_the_ledger_is_told_by_state_and_reconciles(said: Callable[..., tuple[int, str]]) -> None:
    status, printed = said("ledger")
    assert status == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    assert rows == [
        ["indexed", "3", "2", ""],
        ["pending", "0", "0", ""],
        ["rejected", "1", "0", ""],
        ["", "1", "", "not_dicom"],
        ["excluded", "1", "0", ""],
        ["", "1", "", "unrecognised_object"],
        ["unaccounted", "0", "0", ""],
        ["superseded", "0", "0", ""],
        ["deleted", "0", "0", ""],
    ]
    assert EQUATION in words(printed)


def test_the_objects_of_a_state_or_a_study_are_listed(said: Callable[..., tuple[int, str]]) -> None:
    status, printed = said("ledger", "--state", "rejected")
    assert status == 0
    assert BROKEN in printed
    assert "index.html" not in printed
    _, printed = said("ledger", "--study", STUDY.partition)
    assert printed.count(folder_of(STUDY)) == 4
    assert "index.html" not in printed
    assert printed.count(folder_of(STUDY)) > said("ledger", "--study", "p1/s1")[1].count(folder_of(STUDY))


def test_the_ledger_as_csv_is_nothing_but_its_rows(accounted: Settings) -> None:
    command = [sys.executable, "-c", "import sys; from medsearch_pipeline.cli import main; sys.exit(main(sys.argv[1:]))"]
    printed = subprocess.run(
        [*command, "ledger", "--csv", "--study", STUDY.partition],
        env=os.environ | {"MEDSEARCH_WAREHOUSE": accounted.warehouse},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = list(csv.DictReader(io.StringIO(printed.stdout)))
    assert printed.stderr == ""
    assert {row["key"]: row["state"] for row in rows}[BROKEN] == "rejected"
    assert [row["state"] for row in rows].count("indexed") == 3
    assert {row["patient"] for row in rows} == {STUDY.patient}
    assert all(len(row["sha256"]) == 64 for row in rows if row["state"] == "indexed")


def test_before_the_first_ledger_the_states_are_those_it_would_have(
    accounted: Settings, said: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "warehouse"
    shutil.copytree(accounted.warehouse, copy)
    (copy / LEDGER_PATH).unlink()
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", str(copy))
    monkeypatch.setenv("MEDSEARCH_INDEX", accounted.index)
    status, printed = said("ledger")
    assert status == 0
    assert EQUATION in printed
    status, printed = said("rejections")
    assert status == 0
    assert "[x].dcm" in printed
    assert not (copy / LEDGER_PATH).exists()


def test_what_is_unaccounted_for_ends_with_1_and_is_named(
    accounted: Settings, said: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "warehouse"
    shutil.copytree(accounted.warehouse, copy)
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", str(copy))
    warehouse = Warehouse(open_store(str(copy)))
    inventory = warehouse.read_rows(LandedObject, PATH)
    warehouse.write_rows(LandedObject, PATH, [*inventory, replace(inventory[-1], key="files/new[1].dcm")])
    status, printed = said("ledger")
    assert status == 1
    assert ": files/new[1].dcm" in printed
    assert "ledger_job" in printed

    warehouse.write_rows(LandedObject, PATH, inventory)
    entries = warehouse.read_rows(LedgerEntry, LEDGER_PATH)
    lost = [replace(e, state="unaccounted", reason=None) if e.key == BROKEN else e for e in entries]
    warehouse.write_rows(LedgerEntry, LEDGER_PATH, lost)
    for command in ("ledger", "rejections"):
        status, printed = said(command)
        assert status == 1
        assert f"unaccounted for: {BROKEN}" in printed
        assert "+ 0 rejected + 1 excluded + 1 unaccounted for" in words(printed)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Four studies in a warehouse, and an environment that names it."""
    settings = home_settings(tmp_path)
    fill_warehouse(settings, 4)
    record_configured_model(settings)
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", settings.warehouse)
    monkeypatch.setenv("MEDSEARCH_INDEX", settings.index)
    return settings


def test_a_rebuild_says_how_far_it_is_and_what_it_did(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reindex"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.endswith(" …")]
    (release,) = open_index(home).releases()
    assert [figures(line)[:3] for line in lines] == [[4, 4], [8, 4, 4], [8, 4], [8]], "progress, content, work, sample"
    assert release.name in lines[1]
    assert "1.000" in lines[3], "the recall"


def test_a_rebuild_of_what_is_there_already_builds_no_twin_unless_it_is_asked_for(
    home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reindex"]) == 0
    (release,) = open_index(home).releases()
    capsys.readouterr()
    assert main(["reindex"]) == 0
    assert release.name in capsys.readouterr().out
    assert [r.name for r in open_index(home).releases()] == [release.name]
    assert main(["reindex", "--fresh"]) == 0
    assert len(open_index(home).releases()) == 2
    put_study(warehouse_of(home), study_key(9))
    assert main(["reindex"]) == 0
    assert open_index(home).health().studies == 5


def test_a_rebuild_while_another_model_is_configured_is_refused_unless_it_is_meant(
    home: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["reindex"]) == 0
    (release,) = open_index(home).releases()
    monkeypatch.setenv("MEDSEARCH_MODEL", "efficientnet_lite0")
    capsys.readouterr()
    for arguments in (["reindex"], ["reindex", "--fresh"]):
        line = refusal(arguments, capsys)
        assert [
            name for name in ("efficientnet_lite0-imagenet-p", "net-imagenet aaaa-512px-p1", "--any-model") if name not in line
        ] == []
        assert figures(line)[:2] == [4, 4], "studies of the other model, of all"
    assert [r.name for r in open_index(home).releases()] == [release.name]
    assert main(["reindex", "--fresh", "--any-model"]) == 0
    assert len(open_index(home).releases()) == 2


def test_releases_are_listed_rolled_back_to_and_discarded(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["releases"]) == 0
    assert main(["reindex"]) == 0
    put_report(warehouse_of(home), study_key(0), "Cardiomegaly.")
    assert main(["reindex"]) == 0
    index = open_index(home)
    new, old = (r.name for r in index.releases())
    assert index.text("cardiomegaly").total == 1
    capsys.readouterr()

    assert main(["releases"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if new in line or old in line]
    assert [name in row for name, row in zip((new, old), rows, strict=True)] == [True, True]
    assert "yes" in rows[0]
    assert "yes" not in rows[1]
    assert all("net-imagenet aaaa-512px-p1" in row and " 8 " in row and "never" not in row for row in rows)

    assert main(["rollback"]) == 0
    assert re.search(rf"{old} .*{new} ", capsys.readouterr().out)
    assert (index.health().release, index.text("cardiomegaly").total) == (old, 0)
    assert main(["rollback", old]) == 0
    assert (old in capsys.readouterr().out, index.health().release) == (True, old)
    assert main(["rollback", new]) == 0
    assert index.text("cardiomegaly").total == 1

    assert main(["discard", new]) == 1
    assert main(["discard", old]) == 0
    assert old in capsys.readouterr().out
    assert [r.name for r in index.releases()] == [new]


def test_what_cannot_be_rolled_back_to_is_one_line(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    unfinished = open_index(home).begin(None)
    for arguments, said in (
        (["rollback"], "release"),
        (["rollback", "v2-none"], "v2-none"),
        (["rollback", unfinished], unfinished),
        (["discard", "../x"], "'../x'"),
        (["discard", "nope"], "'nope'"),
    ):
        assert main(arguments) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line


def test_a_rebuild_without_a_study_ends_with_1_unless_that_is_allowed(
    home: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse_of(home).store.delete(study_path("reports", study_key(1)))
    assert {str(study_key(1)), "reports"} <= set(refusal(["reindex"], capsys).replace(":", " ").split())
    assert main(["reindex", "--allow-missing"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (missing,) = (line for line in lines if line.startswith("missing: "))
    assert {str(study_key(1)), "reports"} <= set(missing.split())
    assert [6, 3, 3, 1] in [figures(line) for line in lines], "images, reports, studies, missing studies"


def test_every_command_is_in_the_module_that_is_named_for_it() -> None:
    assert {name: [c.name for c in commands_for([name])].count(name) for name in MODULES} == dict.fromkeys(MODULES, 1)
    assert [command.name for command in commands_for([])] == [*MODULES]


@pytest.mark.parametrize("command", ["embedder", "webserver", "up", "read"])
def test_a_command_does_not_wait_for_what_others_import(command: str) -> None:
    code = (
        "import sys; from medsearch_pipeline.cli.commands import build_parser; build_parser(sys.argv[1:]); print(*sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=True).stdout.split()
    assert "medsearch_pipeline.cli.command" in printed
    assert {"dagster", "torch", "medsearch_core.search.embedded", "pydicom"}.isdisjoint(printed)
