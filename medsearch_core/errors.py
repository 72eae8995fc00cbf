"""The one exception tree of the project.

Belongs here: errors, classified by what must happen next. Bad *data* (`BadInput`) becomes a rejection row, and everything else
is still processed; bad *configuration* stops the run at its start; a *failed read* is never treated as an empty store.
Messages never contain header values or report text: they name the object's key and the fault.
"""

from __future__ import annotations


class MedsearchError(Exception):
    """Base of every error raised on purpose."""


class ConfigurationError(MedsearchError):
    """A setting is missing, contradictory or names something unavailable. The message says what to do."""


class BadInput(MedsearchError):
    """One landed object, or one uploaded file, cannot be used.

    Args:
        reason: a short stable word, suitable for counting; for a landed object one of `medsearch_core.records.REASONS`.
        detail: one sentence naming the fault. Never a header value, never report text.
        frame: 1-based frame number when only that frame is bad.
    """

    def __init__(self, reason: str, detail: str, frame: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.frame = frame


class BadMessage(BadInput):
    """One message of the event queue cannot be parsed. The detail may name an object's key, nothing else."""


class TooManyPixels(BadInput):
    """An image or frame exceeds this process's size limit. Detected before anything is decoded."""

    def __init__(self, detail: str) -> None:
        super().__init__("unsupported_pixel_format", detail)


class StorageError(MedsearchError):
    """A store could not be listed, read or written."""


class Transient(StorageError):
    """A store, the search index or a service was busy, throttled or unreachable: the same call may succeed later."""


class ObjectUnreadable(StorageError):
    """This object cannot be read although its store can."""


class ObjectNotFound(ObjectUnreadable):
    """The key does not exist in the store."""


class ObjectForbidden(ObjectUnreadable):
    """This process may not read the file."""


class QueueError(MedsearchError):
    """The event queue is temporarily unavailable."""


class ServiceUnavailable(MedsearchError):
    """An external report reader refuses to work. Reports already read are kept; the next run continues."""


class IndexMismatch(MedsearchError):
    """The vectors have another model, version or length than the index's. Rejected before anything is written."""


class DocumentsRefused(MedsearchError):
    """The search index rejected some documents for their content. Their studies are unchanged; all others are written.

    Args:
        refused: document key, `patient/study/kind/id` → the reason in the index's own short word.
    """

    def __init__(self, refused: dict[str, str]) -> None:
        named = ", ".join(f"{key} ({reason})" for key, reason in sorted(refused.items())[:20])
        more = f" and {len(refused) - 20} more" if len(refused) > 20 else ""
        super().__init__(f"the search index refused {len(refused)} documents: {named}{more}")
        self.refused = refused


class NoSuchRelease(MedsearchError):
    """The release of the search index does not exist, or may not be used this way."""


class ReleaseUnfit(MedsearchError):
    """A newly built release failed its check of counts or recall. It is kept for inspection; searches never use it."""


class NotIndexed(MedsearchError):
    """The requested image or report is not in the search index."""


class InvalidQuery(MedsearchError):
    """A query's argument is out of range or malformed."""


class RemovalUnconfirmed(MedsearchError):
    """Most landed objects appear to be deleted. The message says how to confirm it."""
