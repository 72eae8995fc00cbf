"""Queries for one object: an image, study, patient or report, the index, the ledger."""

import asyncio
from typing import Annotated

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.schema.arguments import argument
from medsearch_api.schema.index import Index, ModelVersion, model_versions
from medsearch_api.schema.ledger import LedgerTotals
from medsearch_api.schema.patients import Patient
from medsearch_api.schema.types import Image, Report, Study
from medsearch_core.errors import InvalidQuery
from medsearch_core.keys import StudyKey


@strawberry.type
class Lookups:
    """The lookup queries."""

    @strawberry.field(description="One image; null if it is not indexed.")
    async def image(self, info: Info, id: Annotated[strawberry.ID, argument("The image's ID.")]) -> Image | None:
        document = await info.context.loaders.images.load(id)
        return Image.of(document) if document else None

    @strawberry.field(description="One report; null if it is not indexed.")
    async def report(self, info: Info, id: Annotated[strawberry.ID, argument("The report's ID.")]) -> Report | None:
        document = await info.context.loaders.reports.load(id)
        return Report.of(document) if document else None

    @strawberry.field(description="One study; null if the warehouse has no image or report of it.")
    async def study(
        self,
        info: Info,
        patient: Annotated[str, argument("Patient key.")],
        study: Annotated[str, argument("Study key.")],
    ) -> Study | None:
        key = _study_key(patient, study)
        loaders = info.context.loaders
        images, reports = await asyncio.gather(loaders.image_rows.load(key), loaders.warehouse_reports.load(key))
        return Study(patient=patient, study=study) if images or reports else None

    @strawberry.field(description="One patient; null if the warehouse has no study of this patient.")
    async def patient(self, info: Info, patient: Annotated[str, argument("Patient key.")]) -> Patient | None:
        _study_key(patient, "any")
        studies = await info.context.loaders.studies_of_patients.load(patient)
        return Patient(patient=patient) if studies else None

    @strawberry.field(description="The current contents of the index.")
    async def index(self, info: Info) -> Index:
        return Index.of(await asyncio.to_thread(info.context.index.health))

    @strawberry.field(description="The state of all landed objects; null if there is no ledger yet.")
    async def ledger(self, info: Info) -> LedgerTotals | None:
        totals = await asyncio.to_thread(info.context.ledger.totals, info.context.warehouse)
        return LedgerTotals.of(totals) if totals else None

    @strawberry.field(description="The models whose vectors the index releases contain, the newest release's first.")
    async def model_versions(self, info: Info) -> list[ModelVersion]:
        return await asyncio.to_thread(model_versions, info.context.index)


def _study_key(patient: str, study: str) -> StudyKey:
    try:
        return StudyKey(patient, study)
    except ValueError as error:
        raise InvalidQuery(str(error)) from error
