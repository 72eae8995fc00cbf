"""The queries that name what they want: an image, a study, a patient, a report, the index."""

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
    """One half of the queries."""

    @strawberry.field(description="One image; null if it is not indexed.")
    async def image(self, info: Info, id: Annotated[strawberry.ID, argument("The image's id.")]) -> Image | None:
        document = await info.context.loaders.images.load(id)
        return Image.of(document) if document else None

    @strawberry.field(description="One report; null if it is not indexed.")
    async def report(self, info: Info, id: Annotated[strawberry.ID, argument("The report's id.")]) -> Report | None:
        document = await info.context.loaders.reports.load(id)
        return Report.of(document) if document else None

    @strawberry.field(description="One study; null if the warehouse has neither an image nor a report of it.")
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

    @strawberry.field(description="One patient; null if the warehouse has no study of that key.")
    async def patient(self, info: Info, patient: Annotated[str, argument("Patient key.")]) -> Patient | None:
        _study_key(patient, "any")
        studies = await info.context.loaders.studies_of_patients.load(patient)
        return Patient(patient=patient) if studies else None

    @strawberry.field(description="What the index holds now.")
    async def index(self, info: Info) -> Index:
        return Index.of(await asyncio.to_thread(info.context.index.health))

    @strawberry.field(description="What became of every landed object; null while there is no ledger.")
    async def ledger(self, info: Info) -> LedgerTotals | None:
        totals = await asyncio.to_thread(info.context.ledger.totals, info.context.warehouse)
        return LedgerTotals.of(totals) if totals else None

    @strawberry.field(description="The models whose vectors the index's releases hold, the newest release's first.")
    async def model_versions(self, info: Info) -> list[ModelVersion]:
        return await asyncio.to_thread(model_versions, info.context.index)


def _study_key(patient: str, study: str) -> StudyKey:
    try:
        return StudyKey(patient, study)
    except ValueError as error:
        raise InvalidQuery(str(error)) from error
