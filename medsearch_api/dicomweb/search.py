"""QIDO-RS: searches for studies, series and instances (PS3.18 section 10.6), answered as DICOM JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from medsearch_api.dicomweb.attributes import JsonDataset, Level, json_of
from medsearch_api.dicomweb.json_text import json_text
from medsearch_api.dicomweb.media_types import DICOM_JSON, JSON, single
from medsearch_api.dicomweb.queries import Search, search_of
from medsearch_api.dicomweb.uids import uids_of
from medsearch_api.imaging.refusals import Handler
from medsearch_api.imaging.services import Imaging
from medsearch_api.sign_in.identifiers import may_see_identifiers

ROOT = "/dicomweb"
LITERAL = '299 medsearch "The fuzzymatching parameter is not supported. Only literal matching has been performed."'


def searching(level: Level) -> Handler:
    """The handler of a search for things of this level."""

    async def search(request: Request) -> Response:
        shows_identifiers = may_see_identifiers(request)
        asked = search_of(level, uids_of(request), request.query_params, shows_identifiers=shows_identifiers)
        media_type = single(request, DICOM_JSON, JSON)
        imaging: Imaging = request.app.state.imaging
        await imaging.catalogue.up_to_date()
        rows = await asyncio.to_thread(imaging.catalogue.select, asked.sql, asked.parameters)
        found = await asyncio.to_thread(_answers, rows, asked, root_of(request), shows_identifiers)
        response = Response(json_text(found), media_type=media_type) if found else Response(status_code=204)
        for warning in _warnings(asked, rows):
            response.headers.append("warning", warning)
        return response

    return search


def root_of(request: Request) -> str:
    """The address of the DICOMweb service as the client calls it."""
    return str(request.base_url).rstrip("/") + ROOT


def instance_url(root: str, study: str, series: str | None = None, instance: str | None = None) -> str:
    """The address of a study, a series or an instance."""
    named = (("studies", study), ("series", series), ("instances", instance))
    return root + "".join(f"/{kind}/{uid}" for kind, uid in named if uid is not None)


def _answers(rows: list[dict[str, Any]], asked: Search, root: str, shows_identifiers: bool) -> list[JsonDataset]:
    return [json_of(row, asked.keywords, _url(root, row), shows_identifiers=shows_identifiers) for row in rows]


def _url(root: str, row: Mapping[str, Any]) -> str:
    return instance_url(root, row["study_instance_uid"], row.get("series_instance_uid"), row.get("sop_instance_uid"))


def _warnings(asked: Search, rows: list[dict[str, Any]]) -> list[str]:
    """What PS3.18 8.3.4.4 and 8.3.4.2 want said of what was not answered, or not as asked."""
    left = rows[0]["found"] - asked.offset - len(rows) if rows else 0
    more = [f'299 medsearch "There are {left} additional results that can be requested"'] if left > 0 else []
    return more + ([LITERAL] if asked.is_fuzzy else [])
