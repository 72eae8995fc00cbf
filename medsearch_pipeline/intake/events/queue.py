"""The events queue: an Amazon SQS queue or one with the same API, ten messages per request.

Belongs here: the requests, and what their failures mean. `consumer` decides when to receive and what to delete.

Operations of the Amazon SQS API Reference: ReceiveMessage, DeleteMessageBatch, ChangeMessageVisibilityBatch,
GetQueueAttributes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from medsearch_core.errors import ConfigurationError, MedsearchError, QueueError

PER_REQUEST = 10
"""Maximum messages that one request receives, deletes or holds ("Amazon SQS message quotas")."""
REQUESTS_AT_ONCE = 8
VISIBILITY_SECONDS = 120
WAIT_SECONDS = 1
"""How long a request waits for a message. Without waiting, only some servers are queried ("Amazon SQS short and long
polling")."""
ATTEMPTS = 3
PAUSE_SECONDS = 0.2

_MISSING = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress"}
_FORBIDDEN = {
    *("AccessDenied", "AccessDeniedException", "AWS.SimpleQueueService.AccessDenied", "KmsAccessDenied"),
    *("KMS.AccessDeniedException", "InvalidSecurity", "InvalidClientTokenId", "UnrecognizedClientException"),
    *("SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "MissingAuthenticationToken"),
    "403",  # botocore's code for a response without one
}
_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Message:
    """A received message. The receipt is needed to delete it, and changes with each delivery."""

    id: str
    receipt: str = field(repr=False)
    body: str = field(repr=False)


class EventQueue:
    """A queue by its URL. Every method raises `ConfigurationError` if the queue is missing or forbidden, and `QueueError` if
    it is unreachable after botocore's own retries.

    Args:
        held_seconds: visibility timeout of received messages, unless held longer.
        wait_seconds: how long a request waits for a first message.
    """

    def __init__(self, client: Any, url: str, held_seconds: int, wait_seconds: int) -> None:
        self._client = client
        self._url = url
        self._held_seconds = held_seconds
        self._wait_seconds = wait_seconds

    def has_dead_letters(self) -> bool:
        """Whether the queue moves messages that are received repeatedly to a dead-letter queue (redrive policy)."""
        asked = {"QueueUrl": self._url, "AttributeNames": ["RedrivePolicy"]}
        return "RedrivePolicy" in self._call("get_queue_attributes", asked).get("Attributes", {})

    def receive(self, max_messages: int, requests: int = 1) -> list[Message]:
        """Up to `max_messages` messages without duplicates, by concurrent requests; empty if none arrived in the wait time."""
        sizes = [min(PER_REQUEST, max_messages - start) for start in range(0, max_messages, PER_REQUEST)][:requests]
        found = (message for batch in self._at_once(self._receive, sizes) for message in batch)
        return list({message.id: message for message in found}.values())

    def delete(self, messages: Sequence[Message]) -> dict[str, str]:
        """Deletes messages; returns those that remain, id → the service's error code. Transient failures are retried."""
        return self._in_batches(self._delete, messages)

    def hold(self, messages: Sequence[Message], seconds: int) -> dict[str, str]:
        """Hides messages for `seconds` from now on, 0 to release them at once; returns those that failed."""

        def hold(batch: Sequence[Message]) -> dict[str, str]:
            entries = [{"Id": str(n), "ReceiptHandle": m.receipt, "VisibilityTimeout": seconds} for n, m in enumerate(batch)]
            return self._failed("change_message_visibility_batch", entries, batch)

        return self._in_batches(hold, messages)

    @contextmanager
    def held(self, messages: Sequence[Message]) -> Iterator[None]:
        """Hides messages for the duration of the block, and releases them at once if it raises."""
        done = threading.Event()

        def keep() -> None:
            while not done.wait(self._held_seconds / 3):
                self._try_to_hold(messages, self._held_seconds)

        keeper = threading.Thread(target=keep, name="events-queue-keeper", daemon=True)
        keeper.start()
        try:
            yield
        except BaseException:
            done.set()
            keeper.join()
            self._try_to_hold(messages, 0)
            raise
        finally:
            done.set()
            keeper.join()

    def _try_to_hold(self, messages: Sequence[Message], seconds: int) -> None:
        """Holds messages, or logs a failure, which is harmless: they are only delivered and processed again."""
        try:
            failed = self.hold(messages, seconds)
        except MedsearchError as error:
            _log.warning("events queue: %d messages could not be held for %d s: %s", len(messages), seconds, error)
        else:
            if failed:
                _log.warning("events queue: %d messages could not be held for %d s", len(failed), seconds)

    def _receive(self, max_messages: int) -> list[Message]:
        asked = {
            "MaxNumberOfMessages": max_messages,
            "WaitTimeSeconds": self._wait_seconds,
            "VisibilityTimeout": self._held_seconds,
        }
        answer = self._call("receive_message", {"QueueUrl": self._url, **asked})
        return [Message(m["MessageId"], m["ReceiptHandle"], m["Body"]) for m in answer.get("Messages", [])]

    def _delete(self, batch: Sequence[Message]) -> dict[str, str]:
        waiting, stayed = list(batch), {}
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE_SECONDS * (2**attempt - 1))
            entries = [{"Id": str(n), "ReceiptHandle": m.receipt} for n, m in enumerate(waiting)]
            stayed = self._failed("delete_message_batch", entries, waiting)
            waiting = [m for m in waiting if m.id in stayed]
            if not waiting:
                break
        return stayed

    def _failed(self, action: str, entries: list[dict[str, Any]], batch: Sequence[Message]) -> dict[str, str]:
        answer = self._call(action, {"QueueUrl": self._url, "Entries": entries})
        return {batch[int(entry["Id"])].id: entry["Code"] for entry in answer.get("Failed", [])}

    def _in_batches(self, act: Callable[[Sequence[Message]], dict[str, str]], messages: Sequence[Message]) -> dict[str, str]:
        batches = [messages[start : start + PER_REQUEST] for start in range(0, len(messages), PER_REQUEST)]
        return {name: why for failed in self._at_once(act, batches) for name, why in failed.items()}

    def _at_once(self, act: Callable[[Any], _Answer], things: Sequence[Any]) -> list[_Answer]:
        if len(things) <= 1:
            return [act(thing) for thing in things]
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as callers:
            return list(callers.map(act, things))

    def _call(self, action: str, arguments: dict[str, Any]) -> Any:
        try:
            return getattr(self._client, action)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise _meaning(error, action, self._url) from error


def open_queue(url: str, region: str | None, endpoint: str | None = None) -> EventQueue:
    """The queue at a URL, with the credentials of the AWS provider chain. Makes no request yet.

    Raises:
        ConfigurationError: no region is known.
    """
    patience = Config(
        connect_timeout=3,
        read_timeout=WAIT_SECONDS + 5,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=REQUESTS_AT_ONCE + 1,
    )
    try:
        client = boto3.client("sqs", region_name=region, endpoint_url=endpoint, config=patience)
    except NoRegionError as error:
        raise ConfigurationError("no AWS region is known for the events queue: set MEDSEARCH_S3_REGION") from error
    return EventQueue(client, url, VISIBILITY_SECONDS, WAIT_SECONDS)


def _meaning(error: ClientError | BotoCoreError, action: str, url: str) -> MedsearchError:
    """Translates a failed request: a configuration error, or one that may be transient."""
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    if code in _MISSING:
        return ConfigurationError(f"there is no events queue at {url}: create it, or correct MEDSEARCH_EVENTS_QUEUE")
    if isinstance(error, NoCredentialsError):
        return ConfigurationError("no AWS credentials were found: give the process a role, a profile or keys")
    if code in _FORBIDDEN:
        permission = _PERMISSIONS[action]
        return ConfigurationError(f"the events queue at {url} denies access ({code}): allow this process's role {permission}")
    return QueueError(f"the events queue at {url} cannot be reached now: {code or type(error).__name__}")


_PERMISSIONS = {
    "receive_message": "sqs:ReceiveMessage, and kms:Decrypt if its messages are encrypted with your own key",
    "delete_message_batch": "sqs:DeleteMessage",
    "change_message_visibility_batch": "sqs:ChangeMessageVisibility",
    "get_queue_attributes": "sqs:GetQueueAttributes",
}
