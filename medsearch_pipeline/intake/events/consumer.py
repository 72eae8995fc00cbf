"""Consuming the events queue in rounds: receive, record the keys, and only then delete.

Belongs here: the order of these three, and the size of a round. `s3_notifications` parses messages, `queue` makes the
requests, and the caller records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from medsearch_core.errors import BadMessage
from medsearch_pipeline.intake.events.queue import REQUESTS_AT_ONCE, EventQueue, Message

KEYS_PER_ROUND = 1_000
KeyParser = Callable[[str], Sequence[str]]
"""The keys that a message's body names; raises `BadMessage`."""
Record = Callable[[Sequence[str]], Collection[str]]
"""Records durably what the store has under each key; returns the keys that could not be looked at for now. An exception
concerns all of them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one call: no round begins beyond either, so it ends at most one round after `seconds`."""

    messages: int = 10_000
    seconds: float = 20
    gathering_seconds: float = 5
    """How long an incomplete round waits for more messages."""


@dataclass(slots=True)
class ConsumeResult:
    """The outcome of the received messages: those in none of the mappings were deleted."""

    messages: int = 0
    keys: int = 0
    """Number of keys recorded: a key named twice in a round counts once, in two rounds twice."""
    without_keys: int = 0
    """Messages that named no key."""
    unreadable: dict[str, BadMessage] = field(default_factory=dict)
    """Message id → why it cannot be parsed. It stays in the queue, for the redrive policy."""
    unseen: set[str] = field(default_factory=set)
    """Ids of messages with a key that could not be looked at. They are delivered again."""
    undeleted: dict[str, str] = field(default_factory=dict)
    """Message id → the service's error code for a processed message that could not be deleted. It is delivered again,
    harmlessly."""
    is_drained: bool = False
    """Whether the queue was empty at the end."""


@dataclass(slots=True)
class _Batch:
    """The messages of a round, without duplicates, with the keys they name."""

    keys_by_message: dict[str, tuple[Message, Sequence[str]]] = field(default_factory=dict)
    unreadable: dict[str, BadMessage] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    is_last: bool = False

    @property
    def messages(self) -> int:
        return len(self.keys_by_message) + len(self.unreadable)

    def parse(self, message: Message, parse_keys: KeyParser) -> None:
        """Parses a message. One that was delivered twice is deleted by its later receipt."""
        try:
            keys = parse_keys(message.body)
        except BadMessage as fault:
            self.unreadable[message.id] = fault
        else:
            self.keys_by_message[message.id] = message, keys
            self.keys.update(dict.fromkeys(keys))


def consume(
    queue: EventQueue, parse_keys: KeyParser, record: Record, limits: Limits, clock: Callable[[], float] = time.monotonic
) -> ConsumeResult:
    """Receives messages until there are none or a limit is reached; each is deleted once all its keys are recorded.

    If `record` raises, the messages of its round are released at once, and the exception propagates.
    """
    result = ConsumeResult()
    until = clock() + limits.seconds
    while not result.is_drained and result.messages < limits.messages and clock() < until:
        round_until = min(until, clock() + limits.gathering_seconds)
        batch = _gather(queue, parse_keys, limits.messages - result.messages, round_until, clock)
        result.messages += batch.messages
        result.unreadable |= batch.unreadable
        result.is_drained = batch.is_last
        _commit(queue, batch, record, result)
    return result


def _gather(queue: EventQueue, parse_keys: KeyParser, max_messages: int, until: float, clock: Callable[[], float]) -> _Batch:
    """Receives with more concurrent requests the more there is, until the round is full, its time is up or the queue is
    empty."""
    batch, requests = _Batch(), 1
    while batch.messages < max_messages and len(batch.keys) < KEYS_PER_ROUND:
        received = queue.receive(max_messages - batch.messages, requests)
        for message in received:
            batch.parse(message, parse_keys)
        batch.is_last = not received
        if batch.is_last or clock() >= until:
            break
        requests = min(2 * requests, REQUESTS_AT_ONCE)
    return batch


def _commit(queue: EventQueue, batch: _Batch, record: Record, result: ConsumeResult) -> None:
    """Records the round's keys, then deletes its messages."""
    keys, unseen = list(batch.keys), set[str]()
    with queue.held([message for message, _ in batch.keys_by_message.values()]):
        for start in range(0, len(keys), KEYS_PER_ROUND):
            unseen.update(record(keys[start : start + KEYS_PER_ROUND]))
    waiting = {name for name, (_, its_keys) in batch.keys_by_message.items() if not unseen.isdisjoint(its_keys)}
    result.keys += len(keys)
    result.without_keys += sum(not its_keys for _, its_keys in batch.keys_by_message.values())
    result.unseen |= waiting
    result.undeleted |= queue.delete([message for name, (message, _) in batch.keys_by_message.items() if name not in waiting])
