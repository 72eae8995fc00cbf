"""Study keys and image ids in addresses: those that this service gives out, and no others."""

from __future__ import annotations

import re

from medsearch_core.keys import StudyKey

_IMAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def parse_study_key(patient: str, study: str, image: str) -> StudyKey | None:
    """The study of an image's address; None if a part of it could be none of this service's, such as one with a slash."""
    try:
        key = StudyKey(patient, study)
    except ValueError:
        return None
    return key if _IMAGE_ID.fullmatch(image) else None
