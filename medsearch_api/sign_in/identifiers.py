"""Access to patient identifiers: PatientID, names, birth dates, StudyID and whole originals."""

from __future__ import annotations

from starlette.requests import Request

from medsearch_api.sign_in.viewer import Role, get_viewer


def may_see_identifiers(request: Request) -> bool:
    """Whether the response may contain patient identifiers: only for admins."""
    return get_viewer(request.scope).has(Role.ADMIN)
