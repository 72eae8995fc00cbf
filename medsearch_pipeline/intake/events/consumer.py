"""Consuming the events queue in rounds: receive, have the keys recorded, and only then delete.

Belongs here: the order of those three, and how much is done at a time. What a message says is read by `notifications`, the
requests are made by `queue`, and what is recorded is the caller's.
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
"""Makes durable what is seen under each of these keys; returns those under which nothing could be seen, for now. What it raises
is about all of them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may do: no round is begun beyond either, so that it ends a round's time after `seconds` at most."""

    messages: int = 10_000
    seconds: float = 20
    gathering_seconds: float = 5
    """How long a round that is not full waits for more."""


@dataclass(slots=True)
class ConsumeResult:
    """What became of the messages received: those in none of the mappings were deleted."""

    messages: int = 0
    keys: int = 0
    """Keys handed over to be recorded: one named twice in a round counts once, in two rounds twice."""
    without_keys: int = 0
    """Messages that named no key."""
    unreadable: dict[str, BadMessage] = field(default_factory=dict)
    """Message id → why it says nothing. It stays in the queue: it is for the redrive policy to end it."""
    unseen: set[str] = field(default_factory=set)
    """Ids of messages one of whose keys could not be looked at. They come again."""
    undeleted: dict[str, str] = field(default_factory=dict)
    """Message id → the service's word for why it, being done with, could not be deleted. It comes again, to no harm."""
    is_drained: bool = False
    """Whether the queue had nothing more to give."""


@dataclass(slots=True)
class _Batch:
    """The messages of a round, each once, with the keys it names."""

    keys_by_message: dict[str, tuple[Message, Sequence[str]]] = field(default_factory=dict)
    unreadable: dict[str, BadMessage] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    is_last: bool = False

    @property
    def messages(self) -> int:
        return len(self.keys_by_message) + len(self.unreadable)

    def parse(self, message: Message, parse_keys: KeyParser) -> None:
        """Reads a message. One that was delivered twice is deleted by its later receipt."""
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

    Where `record` raises, the messages of its round are given back at once, and what it raised goes on.
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
    """Receives by more requests at once the more there is, until the round is full, its time is up or nothing more comes."""
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
    """Has the round's keys recorded, then deletes its messages."""
    keys, unseen = list(batch.keys), set[str]()
    with queue.held([message for message, _ in batch.keys_by_message.values()]):
        for start in range(0, len(keys), KEYS_PER_ROUND):
            unseen.update(record(keys[start : start + KEYS_PER_ROUND]))
    waiting = {name for name, (_, its_keys) in batch.keys_by_message.items() if not unseen.isdisjoint(its_keys)}
    result.keys += len(keys)
    result.without_keys += sum(not its_keys for _, its_keys in batch.keys_by_message.values())
    result.unseen |= waiting
    result.undeleted |= queue.delete([message for name, (message, _) in batch.keys_by_message.items() if name not in waiting])
