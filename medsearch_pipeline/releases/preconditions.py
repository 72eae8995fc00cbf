"""Whether a release should be built: which model embedded the studies, and whether the current release is up to date.

Belongs here: checks before anything is written. `build` builds the release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from medsearch_core.batched import batched
from medsearch_core.errors import ConfigurationError, IndexMismatch, NoSuchRelease, StorageError, Transient
from medsearch_core.keys import StudyKey
from medsearch_core.search.model import Model
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.models.code_version import code_version_of, recorded_models
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.documents import StudyIncomplete, documents_digest, list_studies, read_models

READERS = 8
BATCH = 200


def count_models(warehouse: Warehouse) -> Mapping[Model, int]:
    """Model → number of studies it embedded.

    Raises:
        ConfigurationError: the warehouse holds no study.
    """
    studies = list_studies(warehouse)
    if not studies:
        raise ConfigurationError(
            f"there is no study in {warehouse.store.url}: materialize the study assets, or correct MEDSEARCH_WAREHOUSE"
        )
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda study: read_models(warehouse, study), studies)
        return Counter(model for models in found for model in models)


def sole_model(studies_by_model: Mapping[Model, int]) -> Model | None:
    """The only model of all embeddings; None without images.

    Args:
        studies_by_model: model → number of studies it embedded.

    Raises:
        IndexMismatch: there is more than one.
    """
    if len(studies_by_model) > 1:
        counts = " and of ".join(f"{model} in {count} studies" for model, count in Counter(studies_by_model).most_common())
        raise IndexMismatch(
            f"the warehouse holds embeddings of {counts}, but an index holds only one model's: materialize embeddings "
            "again for all studies, with the model of MEDSEARCH_MODEL and MEDSEARCH_WEIGHTS"
        )
    return next(iter(studies_by_model), None)


def check_configured_model(settings: Settings, warehouse: Warehouse, studies_by_model: Mapping[Model, int]) -> None:
    """Refuses to build an index with another model than the configured one.

    Raises:
        ConfigurationError: some or all embedded studies were not embedded with the configured model.
    """
    code_version = code_version_of(settings.model, settings.weights)
    configured = recorded_models(warehouse).get(code_version)
    if message := other_models_message(" ".join(configured or (code_version,)), configured, studies_by_model):
        raise ConfigurationError(message)


def other_models_message(name: str, configured: tuple[str, str] | None, studies_by_model: Mapping[Model, int]) -> str | None:
    """Why a release would not be of the configured model; None if it would be, or no study has images.

    Args:
        name: of the configured model.
        configured: its id and version; None if it has never embedded for this warehouse.
    """
    others = {m: count for m, count in studies_by_model.items() if (m.model_id, m.model_version) != configured}
    if not others:
        return None
    total = sum(studies_by_model.values())
    counts = ", ".join(
        f"{count} of {total} studies are embedded with {model}" for model, count in Counter(others).most_common()
    )
    remedy = "launch ledger_job, after which upkeep_sensor requests reembed_job, or launch reembed_job for all partitions"
    anyway = "; to build a release of the model that embedded them, add --any-model" if len(studies_by_model) == 1 else ""
    return (
        f"MEDSEARCH_MODEL and MEDSEARCH_WEIGHTS configure {name}, but {counts}. Nothing was built. To embed them with the "
        f"configured model, {remedy}{anyway}"
    )


def up_to_date_release(warehouse: Warehouse, index: ReleasedIndex) -> str | None:
    """The current release, if it holds exactly the current state of the warehouse, so that a new one would be identical.

    None also for a release that is damaged or has the form of an earlier version: building another is the remedy.

    Raises:
        Transient: the index is unreachable now.
    """
    try:
        name, stored = index.health().release, index.studies()
    except Transient:
        raise
    except (NoSuchRelease, StorageError):
        return None
    listed = list_studies(warehouse)
    if name is None or stored.keys() - listed.keys():
        return None

    def is_stored(study: StudyKey) -> bool:
        if study not in stored:
            return not any(warehouse.row_count(study_path(table, study)) for table in ("dicom_metadata", "reports"))
        try:
            return documents_digest(warehouse, study) == stored[study]
        except StudyIncomplete:
            return False

    with ThreadPoolExecutor(READERS) as readers:
        return name if all(all(readers.map(is_stored, batch)) for batch in batched(listed, BATCH)) else None
