"""Study keys and image IDs in URLs: only those that this service can have issued."""

from __future__ import annotations

import re

from medsearch_core.keys import StudyKey

_IMAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def parse_study_key(patient: str, study: str, image: str) -> StudyKey | None:
    """Parse the study of an image's URL; None if a part cannot be this service's, for example because it contains a slash."""
    try:
        key = StudyKey(patient, study)
    except ValueError:
        return None
    return key if _IMAGE_ID.fullmatch(image) else None
