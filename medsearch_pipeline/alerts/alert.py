"""An alert and its webhook JSON: counts, names and keys, never patient data.

Belongs here: what an alert may say about a failure. medsearch errors contain only keys and reasons. Third-party errors may
quote data, so only their class name is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from medsearch_core.errors import MedsearchError

Kind = Literal["run_failure", "check_failure", "tick_failure", "freshness_failure"]

LONGEST = 400
_UID = re.compile(r"(?<![\d.])[0-2](?:\.\d+){3,}")
_ESCAPED = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'"})
"""Characters that chat systems interpret as mentions or links."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One failure.

    Args:
        id: stable per failure, so that a receiver can drop duplicates.
        name: the job, check, sensor, schedule or asset that failed.
        sentence: what happened.
        link: the failure's page in Dagster's UI.
    """

    id: str
    kind: Kind
    name: str
    sentence: str
    link: str
    run: str | None = None
    counts: Mapping[str, float] = field(default_factory=dict)


def payload_of(alert: Alert) -> dict[str, Any]:
    """The JSON of an alert: `text` for Slack, Teams and Mattermost, and the same facts as fields for programs."""
    return {
        "text": f"medsearch: {alert.sentence} {alert.link}",
        "medsearch": {
            "id": alert.id,
            "kind": alert.kind,
            "name": alert.name,
            "run": alert.run,
            "link": alert.link,
            "counts": dict(alert.counts),
            "sentence": alert.sentence,
        },
    }


def safe_error_text(written: str, class_name: str | None) -> str:
    """The reportable text of an error: class and message of a medsearch error, otherwise only the class.

    Args:
        written: the error as Python formats it, `module.Class: message`.
        class_name: the class without its module.
    """
    qualified, _, message = written.strip().partition(": ")
    if qualified not in set(_names(MedsearchError)):
        return class_name or "an error"
    return redact(f"{class_name}: {message}")


def redact(text: str) -> str:
    """The text on one line of at most `LONGEST` characters, without UIDs."""
    line = " ".join(_UID.sub("(UID)", text).split()).translate(_ESCAPED)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _names(error: type[MedsearchError]) -> Iterator[str]:
    yield f"{error.__module__}.{error.__qualname__}"
    for each in error.__subclasses__():
        yield from _names(each)
