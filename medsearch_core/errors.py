"""The one exception tree of the project.

Belongs here: what can go wrong, told apart by what must happen next. Bad *data* (`BadInput`) becomes a rejection row and
everything else goes on; bad *configuration* stops the run at its start; a *failed read* is never taken for emptiness.
Messages never hold header values or report text: they name the object's key and the fault.
"""

from __future__ import annotations


class MedsearchError(Exception):
    """Base of every error raised on purpose."""


class ConfigurationError(MedsearchError):
    """A setting is missing, contradictory or names something that cannot be had. The message says what to do."""


class BadInput(MedsearchError):
    """One landed object, or one uploaded file, cannot be used.

    Args:
        reason: a short stable word, fit for counting; of a landed object from `medsearch_core.records.REASONS`.
        detail: one sentence naming the fault. Never a header value, never report text.
        frame: 1-based frame number when only that frame is bad.
    """

    def __init__(self, reason: str, detail: str, frame: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.frame = frame


class BadMessage(BadInput):
    """One message of the queue of events cannot be understood. The detail may name an object's key, nothing else of it."""


class TooManyPixels(BadInput):
    """A picture or frame is larger than this process decodes. Noticed before anything is decoded."""

    def __init__(self, detail: str) -> None:
        super().__init__("unsupported_pixel_format", detail)


class StorageError(MedsearchError):
    """A store could not be listed, read or written."""


class Transient(StorageError):
    """A store, the search index or a service was busy, throttled or not reachable: the same call may succeed later."""


class ObjectUnreadable(StorageError):
    """This one object cannot be read, while its store can."""


class ObjectNotFound(ObjectUnreadable):
    """The key does not exist in the store."""


class ObjectForbidden(ObjectUnreadable):
    """This process may not read the file."""


class QueueError(MedsearchError):
    """The queue of events could not be asked, for now."""


class ServiceUnavailable(MedsearchError):
    """A service that reads for this project refuses to. What was read before is kept; the next run goes on."""


class IndexMismatch(MedsearchError):
    """Vectors of another model, version or length than the index holds. Refused before anything is written."""


class DocumentsRefused(MedsearchError):
    """The search index refused documents for what they hold. Their studies are as they were before; all others are written.

    Args:
        refused: document key, `patient/study/kind/id` → the reason in the index's own short word.
    """

    def __init__(self, refused: dict[str, str]) -> None:
        named = ", ".join(f"{key} ({reason})" for key, reason in sorted(refused.items())[:20])
        more = f" and {len(refused) - 20} more" if len(refused) > 20 else ""
        super().__init__(f"the search index refused {len(refused)} documents: {named}{more}")
        self.refused = refused


class NoSuchRelease(MedsearchError):
    """A release of the search index that does not exist, or that may not be used this way."""


class ReleaseUnfit(MedsearchError):
    """A newly built release does not hold or find what it should. It is kept for inspection; readers never see it."""


class NotIndexed(MedsearchError):
    """The image or report asked for is not in the search index."""


class InvalidQuery(MedsearchError):
    """A query's argument is out of range or malformed."""


class RemovalUnconfirmed(MedsearchError):
    """Most of what was known to have landed would be taken for removed. The message says how to confirm it."""
