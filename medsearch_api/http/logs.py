"""JSON logs, one line per event, for any log collector.

Belongs here: the format of a line, and which loggers are enabled. Not here: what is logged. Lines never contain an exception's
message; of a library's record they contain only the first line, without extra fields. Both could quote patient data or what a
client sent.
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from logging.config import dictConfig
from pathlib import PurePath
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from medsearch_api.http.request_ids import REQUEST_ID

ERRORS = logging.getLogger("medsearch.errors")


_STANDARD_FIELDS = frozenset({"time", "level", "logger", "message", "exc_info"})


class JsonLines(OrjsonFormatter):
    """Formats `time` (UTC), `level`, `logger`, `message`, `request_id` during a request, and the event's own fields."""

    def __init__(self) -> None:
        super().__init__(["levelname", "name", "message"], rename_fields={"levelname": "level", "name": "logger"})

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC)
        super().add_fields(log_data, record, message_dict)
        log_data["message"] = record.message.partition("\n")[0]
        if not record.name.startswith("medsearch."):
            for name in log_data.keys() - _STANDARD_FIELDS:
                del log_data[name]
        if (request_id := REQUEST_ID.get()) is not None:
            log_data["request_id"] = request_id

    def formatException(self, ei: Any) -> str:
        """Return the exception's type and where it was raised."""
        frames = traceback.extract_tb(ei[2])
        where = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return f"{ei[0].__name__ if ei[0] else 'None'}{where}"


def configure() -> None:
    """Log to standard error: INFO of the service and the web server, warnings of all other libraries."""
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonLines}},
            "handlers": {"standard_error": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"level": "WARNING", "handlers": ["standard_error"]},
            "loggers": {"medsearch": {"level": "INFO"}, "uvicorn": {"level": "INFO"}},
        }
    )
