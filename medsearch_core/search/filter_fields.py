"""Which document field each filter applies to. Both indexes derive their conditions from these."""

from __future__ import annotations

from typing import Final

from medsearch_core.search.facets import FACETS

_OF_IMAGES: Final = {facet.name: facet.column for facet in FACETS}
_OF_BOTH: Final = {"patients": "patient", "studies": "study", "reports": "report_id", "sexes": "patient_sex", "tags": "tags"}
_LEFT_OUT: Final = {"without_patients": "patient", "without_studies": "study", "without_reports": "report_id"}

IMAGE_FIELDS: Final = _OF_BOTH | _OF_IMAGES
"""Filter → the image field that must equal or contain one of its values."""

REPORT_FIELDS: Final = _OF_BOTH | {name: name for name in _OF_IMAGES}
"""The same for reports, which list the values of their study's images."""

LEFT_OUT_OF_IMAGES: Final = _LEFT_OUT | {"without_images": "image_id"}
"""Filter → the image field that must equal none of its values."""

LEFT_OUT_OF_REPORTS: Final = _LEFT_OUT
"""The same for reports."""

CODE_FIELDS: Final = {"present": "present_codes", "absent": "absent_codes", "uncertain": "uncertain_codes"}
"""Filter → the field that must contain, for each of its codes, a code that begins with it."""

LEFT_OUT_BY_CODE: Final = {"without_present": "present_codes"}
"""Filter → the field that must contain no code that begins with one of its codes."""
