"""Whether who asks may see what identifies a patient: PatientID, names, birth dates, StudyID, whole originals."""

from __future__ import annotations

from starlette.requests import Request

from medsearch_api.sign_in.viewer import Role, get_viewer


def may_see_identifiers(request: Request) -> bool:
    """Whether patient identifiers may be in the answer to this request: for admins."""
    return get_viewer(request.scope).has(Role.ADMIN)
