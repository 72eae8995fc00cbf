"""The warehouse: addressed by study, with the digest of its inputs and its run, and with reproducible rows."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medsearch_core.columns import schema_of, table_of
from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.records import TABLES, CatalogFile, EmbeddingRecord, LandedObject
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import CATALOG_PATH, Origin, Warehouse, present_version, study_path

STUDY = StudyKey("p10000032", "s50414267")
PATH = study_path("embeddings", STUDY)
ROW = EmbeddingRecord(image_id="1.2.3", model_id="m", model_version="v", vector=[1.0, 0.5])


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(open_store(str(tmp_path)))


def test_a_studys_rows_are_stored_under_table_patient_and_study(warehouse: Warehouse) -> None:
    warehouse.write_rows(EmbeddingRecord, PATH, [ROW], "digest")
    assert [o.key for o in warehouse.store.list()] == ["embeddings/p10000032/s50414267.parquet"]
    assert warehouse.read_rows(EmbeddingRecord, PATH) == [ROW]


def test_the_same_rows_from_the_same_inputs_are_the_same_bytes(warehouse: Warehouse) -> None:
    warehouse.write_rows(EmbeddingRecord, PATH, [ROW], "digest")
    first = warehouse.store.read(PATH)
    warehouse.write_rows(EmbeddingRecord, PATH, [ROW], "digest")
    assert warehouse.store.read(PATH) == first


def test_the_digest_of_the_inputs_is_read_back_and_absent_where_nothing_was_written(warehouse: Warehouse) -> None:
    assert warehouse.inputs(PATH) is None
    warehouse.write_rows(EmbeddingRecord, PATH, [ROW], "digest")
    assert warehouse.inputs(PATH) == "digest"


def test_the_run_that_wrote_a_table_stands_in_its_footer_and_changes_nothing_else(warehouse: Warehouse) -> None:
    assert warehouse.run_of(PATH) is None
    warehouse.write_rows(EmbeddingRecord, PATH, [ROW], "digest")
    assert warehouse.run_of(PATH) is None
    outside = warehouse.read(PATH)
    for run in ("4f1c", "9b2e"):
        Warehouse(warehouse.store, run).write_rows(EmbeddingRecord, PATH, [ROW], "digest")
        assert (warehouse.run_of(PATH), warehouse.inputs(PATH)) == (run, "digest")
        assert warehouse.read(PATH) == outside
        assert warehouse.read(PATH).schema.names == outside.schema.names
    assert [o.key for o in warehouse.store.list()] == [PATH]


def test_a_file_cut_short_counts_as_not_made_and_reading_it_fails(warehouse: Warehouse) -> None:
    warehouse.write_rows(EmbeddingRecord, PATH, [ROW], "digest")
    warehouse.store.write(PATH, warehouse.store.read(PATH)[:-20])
    assert warehouse.inputs(PATH) is None
    for read in (warehouse.read, warehouse.run_of):
        with pytest.raises(pa.ArrowInvalid):
            read(PATH)


def test_a_study_without_rows_reads_as_an_empty_table_of_the_right_shape(warehouse: Warehouse) -> None:
    assert warehouse.read(PATH).schema.names == ["image_id", "model_id", "model_version", "vector"]
    assert warehouse.read(PATH).num_rows == 0


def test_what_an_earlier_version_left_is_removed_and_other_studies_stay(warehouse: Warehouse) -> None:
    for path in ("thumbnails/p1/s1/a.png", "thumbnails/p1/s1/b.png", "thumbnails/p1/s2/c.png"):
        warehouse.store.write(path, b"png")
    warehouse.remove_others("thumbnails/p1/s1", ["thumbnails/p1/s1/a.png"])
    assert sorted(o.key for o in warehouse.store.list()) == ["thumbnails/p1/s1/a.png", "thumbnails/p1/s2/c.png"]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_the_contract_says_what_it_means(table: str) -> None:
    assert all(len(f.metadata[b"description"]) > 4 for f in schema_of(TABLES[table]))


def test_some_columns_of_a_file_come_with_what_its_footer_says(tmp_path: Path) -> None:
    warehouse = Warehouse(open_store(str(tmp_path)), "run 1")
    warehouse.write_rows(EmbeddingRecord, PATH, [ROW], "digest")
    written = warehouse.written(PATH, ["model_id"])
    assert (written.rows.to_pylist(), written.inputs, written.run) == ([{"model_id": "m"}], "digest", "run 1")
    assert warehouse.written(PATH, []).rows.num_rows == 1
    assert warehouse.columns(PATH, ["image_id"]).to_pylist() == [{"image_id": "1.2.3"}]
    for read in (warehouse.written, warehouse.columns):
        with pytest.raises(ObjectNotFound):
            read("no/such.parquet", [])
        warehouse.store.write("not.parquet", b"PAR1 but for the rest")
        with pytest.raises(pa.ArrowInvalid):
            read("not.parquet", [])


def test_a_table_written_before_a_column_was_added_reads_with_that_columns_default(warehouse: Warehouse) -> None:
    now = table_of(LandedObject, [LandedObject(key="a", bytes=1, etag="1", kind="dicom", report_names=[])])
    warehouse.write("inventory.parquet", now.drop_columns(["version", "is_study_shared"]))
    (row,) = warehouse.read_rows(LandedObject, "inventory.parquet")
    assert (row.key, row.version, row.is_study_shared) == ("a", None, False)
    assert warehouse.read("inventory.parquet").schema.equals(now.schema)


def written_under(version: int, path: str, table: pa.Table, warehouse: Warehouse) -> None:
    sink = io.BytesIO()
    footer = {"medsearch.inputs": "digest", "medsearch.schema_version": str(version)}
    pq.write_table(table.replace_schema_metadata(footer), sink)
    warehouse.store.write(path, sink.getvalue())


def test_a_file_of_an_earlier_version_has_its_inputs_and_does_not_count_as_current(
    warehouse: Warehouse,
) -> None:
    table, present = table_of(CatalogFile, []), present_version(CATALOG_PATH)
    warehouse.write(CATALOG_PATH, table, "digest")
    assert warehouse.origin(CATALOG_PATH) == warehouse.written(CATALOG_PATH).origin == Origin("digest", present)
    assert warehouse.is_made_from("digest", CATALOG_PATH)
    assert not warehouse.is_made_from("other", CATALOG_PATH)
    digests = {Origin("digest", present).digest}
    for version, is_present in ((2, False), (present + 1, True)):
        written_under(version, CATALOG_PATH, table.drop_columns(["version"]), warehouse)
        assert warehouse.size_and_origin(CATALOG_PATH) == (0, Origin("digest", version))
        assert warehouse.is_made_from("digest", CATALOG_PATH) == is_present
        assert warehouse.read(CATALOG_PATH).schema.equals(table.schema)
        digests.add(Origin("digest", version).digest)
    assert len(digests) == 3
    assert Origin("digest", 2).digest == "digest", "what version 2 wrote is known by the digest that it wrote"
    written_under(1, CATALOG_PATH, table, warehouse)
    assert warehouse.origin(CATALOG_PATH) is None


def test_what_a_table_contains_is_named_in_its_footer(warehouse: Warehouse) -> None:
    empty = table_of(LandedObject, [])
    warehouse.write("inventory.parquet", empty, "digest", entries={"b", "a"})
    written = warehouse.written("inventory.parquet")
    assert (written.inputs, written.entries, written.rows.num_rows) == ("digest", {"a", "b"}, 0)
    warehouse.write("inventory.parquet", empty)
    assert warehouse.written("inventory.parquet").entries == frozenset()
