"""A patient: the studies, images and reports with one patient key."""

import asyncio
from typing import Any

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.schema.paging import Connection, Edge, Window, constant_count, nodes, resolve_window
from medsearch_api.schema.types import After, First, Image, ImageConnection, ImageEdge, Report, Study
from medsearch_core.search.query import Filters


@strawberry.type(description="A study in a list.")
class StudyEdge(Edge):
    node: Study = strawberry.field(description="The study.")


@strawberry.type(description="A page of studies.")
class StudyConnection(Connection):
    edges: list[StudyEdge] = strawberry.field(description="The studies on this page, each with its cursor.")
    nodes: list[Study] = nodes("The studies on this page.")


@strawberry.type(description="A report in a list.")
class ReportEdge(Edge):
    node: Report = strawberry.field(description="The report.")


@strawberry.type(description="A page of reports.")
class ReportConnection(Connection):
    edges: list[ReportEdge] = strawberry.field(description="The reports on this page, each with its cursor.")
    nodes: list[Report] = nodes("The reports on this page.")


@strawberry.type(description="The studies, images and reports of one patient.")
class Patient:
    patient: str = strawberry.field(description="Patient key. Not the PatientID.")

    @strawberry.field(
        description="The patient's studies in the warehouse, by study key. A study whose files were all rejected is empty."
    )
    async def studies(self, info: Info, first: First = 20, after: After = None) -> StudyConnection:
        window = await self._window(info, "Patient.studies", first, after)
        keys = await info.context.loaders.studies_of_patients.load(self.patient)
        entries, page_info = window.page_of(keys)
        edges = [StudyEdge(cursor=c, node=Study(patient=key.patient, study=key.study)) for _, c, key in entries]
        return StudyConnection(edges=edges, page_info=page_info, count=constant_count(len(keys)))

    @strawberry.field(description="The patient's indexed images, by study and image ID.")
    async def images(self, info: Info, first: First = 20, after: After = None) -> ImageConnection:
        window = await self._window(info, "Patient.images", first, after)
        page = await asyncio.to_thread(info.context.index.list_images, self._only, window.start, window.fetch_size)
        entries, page_info = window.page(page.images)
        edges = [ImageEdge(cursor=c, node=Image.of(document)) for _, c, document in entries]
        return ImageConnection(edges=edges, page_info=page_info, count=constant_count(page.total))

    @strawberry.field(description="The patient's indexed reports, by report ID.")
    async def reports(self, info: Info, first: First = 20, after: After = None) -> ReportConnection:
        window = await self._window(info, "Patient.reports", first, after)
        page = await asyncio.to_thread(info.context.index.text, "", (), self._only, window.start, window.fetch_size)
        entries, page_info = window.page(page.hits)
        edges = [ReportEdge(cursor=c, node=Report.of(hit.document)) for _, c, hit in entries]
        return ReportConnection(edges=edges, page_info=page_info, count=constant_count(page.total))

    @property
    def _only(self) -> Filters:
        return Filters(patients=[self.patient])

    async def _window(self, info: Info, name: str, first: int, after: str | None) -> Window:
        cursor_args: dict[str, Any] = {"patient": self.patient}
        return await resolve_window(info, name, cursor_args, first, after)
