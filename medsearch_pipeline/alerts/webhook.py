"""Posting to a webhook, with timeouts and retries. The address is a secret and never appears in errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from medsearch_core.errors import MedsearchError

BACKOFF_SECONDS = (1.0, 3.0)
TOO_MANY = 429


class AlertNotDelivered(MedsearchError):
    """The webhook did not accept an alert, which stays pending."""


@dataclass(frozen=True)
class Webhook:
    """Where alerts are posted.

    Args:
        timeout_seconds: of one attempt.
        backoff_seconds: the pause before each retry.
    """

    url: str = field(repr=False)
    timeout_seconds: float
    backoff_seconds: Sequence[float] = BACKOFF_SECONDS

    def post(self, payload: Mapping[str, Any]) -> None:
        """Posts JSON, with retries.

        Raises:
            AlertNotDelivered: the webhook rejected it permanently, or every attempt failed.
        """
        logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines contain the address
        fault = ""
        for wait in (0.0, *self.backoff_seconds):
            time.sleep(wait)
            try:
                status = httpx.post(self.url, json=payload, timeout=self.timeout_seconds).status_code
            except httpx.HTTPError as error:
                fault = type(error).__name__
                continue
            if status < 300:
                return
            fault = f"status {status}"
            if status < 500 and status != TOO_MANY:
                break
        raise AlertNotDelivered(f"the webhook did not accept an alert ({fault}): check MEDSEARCH_ALERT_WEBHOOK")
