"""Whether who asks may see what identifies a patient: PatientID, names, birth dates, StudyID, whole originals."""

from __future__ import annotations

from starlette.requests import Request

from medsearch_api.auth import DEVELOPMENT
from medsearch_api.settings import Settings


def may_see_identifiers(request: Request) -> bool:
    """Whether patient identifiers may be in the answer to this request. Only in development, until sign-in says who may."""
    settings: Settings = request.app.state.settings
    return settings.api_sign_in == DEVELOPMENT
