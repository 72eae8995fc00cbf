"""QIDO-RS: searches for studies, series and instances (PS3.18 section 10.6), returned as DICOM JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from medsearch_api.dicomweb.attributes import JsonDataset, Level, to_dicom_json
from medsearch_api.dicomweb.json_text import encode_json
from medsearch_api.dicomweb.media_types import DICOM_JSON, JSON, negotiate
from medsearch_api.dicomweb.queries import Search, parse_search
from medsearch_api.dicomweb.uids import parse_uids
from medsearch_api.imaging.errors import Handler
from medsearch_api.imaging.services import Imaging
from medsearch_api.sign_in.identifiers import may_see_identifiers

ROOT = "/dicomweb"
LITERAL = '299 medsearch "The fuzzymatching parameter is not supported. Only literal matching has been performed."'


def search_handler(level: Level) -> Handler:
    """Create the handler of searches at this level."""

    async def search(request: Request) -> Response:
        shows_identifiers = may_see_identifiers(request)
        query = parse_search(level, parse_uids(request), request.query_params, shows_identifiers=shows_identifiers)
        media_type = negotiate(request, DICOM_JSON, JSON)
        imaging: Imaging = request.app.state.imaging
        await imaging.uid_index.wait_until_ready()
        rows = await asyncio.to_thread(imaging.uid_index.select, query.sql, query.parameters)
        datasets = await asyncio.to_thread(_datasets, rows, query, service_root(request), shows_identifiers)
        response = Response(encode_json(datasets), media_type=media_type) if datasets else Response(status_code=204)
        for warning in _warnings(query, rows):
            response.headers.append("warning", warning)
        return response

    return search


def service_root(request: Request) -> str:
    """Return the base URL of the DICOMweb service as the client sees it."""
    return str(request.base_url).rstrip("/") + ROOT


def instance_url(root: str, study: str, series: str | None = None, instance: str | None = None) -> str:
    """Build the URL of a study, series or instance."""
    named = (("studies", study), ("series", series), ("instances", instance))
    return root + "".join(f"/{kind}/{uid}" for kind, uid in named if uid is not None)


def _datasets(rows: list[dict[str, Any]], query: Search, root: str, shows_identifiers: bool) -> list[JsonDataset]:
    return [to_dicom_json(row, query.keywords, _url(root, row), shows_identifiers=shows_identifiers) for row in rows]


def _url(root: str, row: Mapping[str, Any]) -> str:
    return instance_url(root, row["study_instance_uid"], row.get("series_instance_uid"), row.get("sop_instance_uid"))


def _warnings(query: Search, rows: list[dict[str, Any]]) -> list[str]:
    """Return the Warning headers of PS3.18 8.3.4.4 (more results available) and 8.3.4.2 (no fuzzy matching)."""
    remaining = rows[0]["total"] - query.offset - len(rows) if rows else 0
    warnings = [f'299 medsearch "There are {remaining} additional results that can be requested"'] if remaining > 0 else []
    return warnings + ([LITERAL] if query.is_fuzzy else [])
