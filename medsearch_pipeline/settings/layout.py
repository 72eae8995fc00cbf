"""How keys name their patient and study: a regular expression, MIMIC-CXR's by default."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey, is_safe


@dataclass(frozen=True)
class Layout:
    """Keys that name their patient and study. An object whose key does not match is grouped by its DICOM header."""

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, expression: str) -> Layout:
        """The layout of a regular expression with the groups `patient` and `study`.

        Raises:
            ConfigurationError: it does not compile or lacks a group.
        """
        try:
            pattern = re.compile(expression)
        except re.error as error:
            raise ConfigurationError(f"it is not a regular expression: {error}") from error
        if not {"patient", "study"} <= pattern.groupindex.keys():
            raise ConfigurationError("it needs the groups (?P<patient>...) and (?P<study>...)")
        return cls(pattern)

    def study_of(self, key: str) -> StudyKey | None:
        """The study that a key names; None if it names none, or with characters that are not safe in keys."""
        match = self.pattern.fullmatch(key)
        if not match or not (is_safe(match["patient"]) and is_safe(match["study"])):
            return None
        return StudyKey(match["patient"], match["study"])


MIMIC_CXR = Layout.of(r"(?:.*/)?p\d\d/(?P<patient>p\d{8})/(?P<study>s\d{8})(?:/.+|\.txt)")
"""`files/p10/p10000032/s50414267/<uid>.dcm` beside `files/p10/p10000032/s50414267.txt`."""
