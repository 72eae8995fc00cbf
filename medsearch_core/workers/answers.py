"""What a worker answers: a result, or the error of its job. Errors are JSON, because a worker is not trusted with pickles."""

from __future__ import annotations

import json
from typing import NoReturn

from medsearch_core.errors import BadInput, ConfigurationError, InvalidQuery, MedsearchError, TooManyPixels

RESULT, ERROR = 0, 1
MAX_TEXT = 300

_ONE_SENTENCE: dict[str, type[MedsearchError]] = {
    error.__name__: error for error in (ConfigurationError, InvalidQuery, TooManyPixels)
}


class JobFailed(MedsearchError):
    """A job raised something unexpected; the message is the error's type."""


def error_answer(error: Exception) -> tuple[int, bytes]:
    """The error of a job, as its owner is to raise it. The message of an unexpected error is left out: it may quote data."""
    name = type(error).__name__
    if name in _ONE_SENTENCE:
        text = error.detail if isinstance(error, BadInput) else str(error)
        parts: dict[str, object] = {"error": name, "text": text}
    elif isinstance(error, BadInput):
        parts = {"error": BadInput.__name__, "reason": error.reason, "text": error.detail, "frame": error.frame}
    else:
        parts = {"error": JobFailed.__name__, "text": name}
    return ERROR, json.dumps(parts).encode()


def raise_error(answer: bytes) -> NoReturn:
    """Raises the error that a worker answered.

    Raises:
        MedsearchError: always.
    """
    try:
        parts = json.loads(answer)
        name, text, frame = str(parts["error"]), str(parts["text"])[:MAX_TEXT], parts.get("frame")
        reason = str(parts.get("reason", ""))[:MAX_TEXT]
    except (ValueError, KeyError, TypeError):
        raise JobFailed("an answer that cannot be read") from None
    if name == BadInput.__name__:
        raise BadInput(reason, text, frame if isinstance(frame, int) else None)
    raise _ONE_SENTENCE.get(name, JobFailed)(text)
