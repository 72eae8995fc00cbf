"""Whether the landing store can be listed and read, and the warehouse written."""

from __future__ import annotations

from uuid import uuid4

from medsearch_core.errors import MedsearchError
from medsearch_core.process.environment import without_password
from medsearch_core.storage.open import local_folder, open_store
from medsearch_pipeline.readiness.finding import Finding
from medsearch_pipeline.settings import Settings

PROBE_FOLDER = "readiness"


def check_landing(settings: Settings) -> Finding:
    """Whether the landing store exists and can be listed, and its first object can be read."""
    value = without_password(settings.landing)
    folder = local_folder(settings.landing)
    if folder and not folder.is_dir():
        return _landing_problem(value, f"there is no folder {folder}")
    try:
        store = open_store(settings.landing, settings.s3, must_exist=True, setting="MEDSEARCH_LANDING")
        store.check()
        first = store.scan("", 1)
        if first and first[0].is_addressable:
            store.info(first[0].key)
    except MedsearchError as error:
        return _landing_problem(value, str(error))
    if not first:
        return Finding(
            check="landing store",
            level="warning",
            message="it is empty",
            setting="MEDSEARCH_LANDING",
            value=value,
            advice="add DICOM files and reports, or correct the setting if there should be some",
        )
    return Finding(check="landing store", level="ok", message="readable", setting="MEDSEARCH_LANDING", value=value)


def _landing_problem(value: str, message: str) -> Finding:
    return Finding(
        check="landing store",
        level="problem",
        message=message,
        setting="MEDSEARCH_LANDING",
        value=value,
        advice="create or mount the folder or bucket, or correct the setting; the process must be allowed to read it",
    )


def check_warehouse(settings: Settings) -> Finding:
    """Whether an object can be written to the warehouse, read, and deleted again."""
    value, key = without_password(settings.warehouse), f"{PROBE_FOLDER}/{uuid4().hex}"
    try:
        store = open_store(settings.warehouse, settings.s3, setting="MEDSEARCH_WAREHOUSE")
        store.write(key, b"medsearch check")
        try:
            store.read(key)
        finally:
            store.delete(key)
    except MedsearchError as error:
        return Finding(
            check="warehouse",
            level="problem",
            message=str(error),
            setting="MEDSEARCH_WAREHOUSE",
            value=value,
            advice="create the folder or bucket and let this user write to it, or correct the setting",
        )
    return Finding(check="warehouse", level="ok", message="writable", setting="MEDSEARCH_WAREHOUSE", value=value)
