"""The ledger's totals: what the warehouse's ledger holds now, in counts alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medsearch_api.app import create_app
from medsearch_api.schema.ledger import LedgerState
from medsearch_core.records import STATES, LedgerEntry
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse
from tests.support.api_client import Ask, asking, code_of, local_client, settings_of

ENTRY = LedgerEntry(
    key="files/secret-name.dcm",
    bytes=1,
    etag="1",
    kind="dicom",
    patient="p1",
    study="s1",
    state="indexed",
    images=3,
    refused_frames=0,
)
ENTRIES = [
    ENTRY,
    replace(ENTRY, key="b.txt", kind="report", images=0),
    replace(ENTRY, key="c", state="rejected", reason="not_dicom", images=0),
    replace(ENTRY, key="d", state="rejected", reason="empty_object", images=0),
    replace(ENTRY, key="e", state="rejected", reason="not_dicom", images=0),
    replace(ENTRY, key="f", state="excluded", reason="unrecognised_object", patient=None, study=None, images=0),
    replace(ENTRY, key="g", state="pending", images=0),
    replace(ENTRY, etag="0", state="superseded"),
]
QUERY = "{ ledger { objects states { state count reports images reasons { reason count } } } }"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(open_store(str(tmp_path / "warehouse")))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    return asking(local_client(create_app(settings_of(tmp_path))))


def told(answer: dict[str, Any]) -> dict[str, tuple[int, int, int, dict[str, int]]]:
    states = answer["data"]["ledger"]["states"]
    return {
        s["state"]: (s["count"], s["reports"], s["images"], {r["reason"]: r["count"] for r in s["reasons"]}) for s in states
    }


def test_there_are_no_totals_while_there_is_no_ledger(ask: Ask) -> None:
    assert ask(QUERY) == {"data": {"ledger": None}}


def test_every_state_has_its_totals_and_its_reasons_and_no_key_is_told(ask: Ask, warehouse: Warehouse) -> None:
    warehouse.write_rows(LedgerEntry, LEDGER_PATH, ENTRIES)
    answer = ask(QUERY)
    assert answer["data"]["ledger"]["objects"] == 7
    assert told(answer) == {
        "INDEXED": (2, 1, 3, {}),
        "PENDING": (1, 0, 0, {}),
        "REJECTED": (3, 0, 0, {"not_dicom": 2, "empty_object": 1}),
        "EXCLUDED": (1, 0, 0, {"unrecognised_object": 1}),
        "UNACCOUNTED": (0, 0, 0, {}),
        "SUPERSEDED": (1, 0, 3, {}),
        "DELETED": (0, 0, 0, {}),
    }
    reasons = answer["data"]["ledger"]["states"][2]["reasons"]
    assert [r["reason"] for r in reasons] == ["not_dicom", "empty_object"], "most frequent first"
    assert "secret" not in str(answer)


def test_a_ledger_is_read_once_until_it_is_written_again(
    ask: Ask, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.write_rows(LedgerEntry, LEDGER_PATH, ENTRIES)
    read, real = [], Warehouse.columns

    def noting(self: Warehouse, path: str, names: Any) -> Any:
        read.append(path)
        return real(self, path, names)

    monkeypatch.setattr(Warehouse, "columns", noting)
    first = ask(QUERY)
    assert ask(QUERY) == first
    assert read == [LEDGER_PATH]
    warehouse.write_rows(LedgerEntry, LEDGER_PATH, ENTRIES[:1])
    assert told(ask(QUERY))["INDEXED"] == (1, 0, 3, {})
    assert read == [LEDGER_PATH] * 2
    warehouse.store.delete(LEDGER_PATH)
    assert ask(QUERY) == {"data": {"ledger": None}}


def test_a_ledger_that_cannot_be_read_is_an_error_and_not_an_empty_one(ask: Ask, warehouse: Warehouse) -> None:
    warehouse.store.write(LEDGER_PATH, b"PAR1 but for the rest")
    answer = ask(QUERY)
    assert answer["data"] == {"ledger": None}
    assert code_of(answer) == "UNAVAILABLE"


def test_the_schema_has_every_state_of_the_contract() -> None:
    assert [state.value for state in LedgerState] == list(STATES)
