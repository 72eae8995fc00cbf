"""An alert, and the JSON that webhooks take: counts, names and keys, never patient data.

Belongs here: what is told of a failure. Errors of ours say keys and reasons; those of libraries may quote data, so that of them
only the class is told.
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
"""Chat systems read mentions and links out of these."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One failure.

    Args:
        id: the same for the same failure, so that a receiver may drop what it has.
        name: the job, check, sensor, schedule or asset that failed.
        sentence: what happened.
        link: where Dagster's UI shows it.
    """

    id: str
    kind: Kind
    name: str
    sentence: str
    link: str
    run: str | None = None
    counts: Mapping[str, float] = field(default_factory=dict)


def payload_of(alert: Alert) -> dict[str, Any]:
    """The JSON of an alert: `text`, which Slack, Teams and Mattermost show, and the same in fields for programs."""
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
    """What may be told of an error: class and message if it is one of ours, else the class alone.

    Args:
        written: as Python writes it, `module.Class: message`.
        class_name: the class without its module.
    """
    qualified, _, message = written.strip().partition(": ")
    if qualified not in set(_names(MedsearchError)):
        return class_name or "an error"
    return redact(f"{class_name}: {message}")


def redact(text: str) -> str:
    """A text of ours in one line of at most `MAX_LENGTH` characters, without UIDs."""
    line = " ".join(_UID.sub("(UID)", text).split()).translate(_ESCAPED)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _names(error: type[MedsearchError]) -> Iterator[str]:
    yield f"{error.__module__}.{error.__qualname__}"
    for each in error.__subclasses__():
        yield from _names(each)
