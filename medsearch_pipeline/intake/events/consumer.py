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
Named = Callable[[str], Sequence[str]]
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
class Consumed:
    """What became of the messages received: those in none of the mappings were deleted."""

    messages: int = 0
    keys: int = 0
    """Keys handed over to be recorded: one named twice in a round counts once, in two rounds twice."""
    no_news: int = 0
    """Messages that named no key."""
    unread: dict[str, BadMessage] = field(default_factory=dict)
    """Message id → why it says nothing. It stays in the queue: it is for the redrive policy to end it."""
    unseen: set[str] = field(default_factory=set)
    """Ids of messages one of whose keys could not be looked at. They come again."""
    undeleted: dict[str, str] = field(default_factory=dict)
    """Message id → the service's word for why it, being done with, could not be deleted. It comes again, to no harm."""
    is_drained: bool = False
    """Whether the queue had nothing more to give."""


@dataclass(slots=True)
class _Gathered:
    """The messages of a round, each once, with the keys it names."""

    named: dict[str, tuple[Message, Sequence[str]]] = field(default_factory=dict)
    unread: dict[str, BadMessage] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    is_last: bool = False

    @property
    def messages(self) -> int:
        return len(self.named) + len(self.unread)

    def take(self, message: Message, named: Named) -> None:
        """Reads a message. One that was delivered twice is deleted by its later receipt."""
        try:
            keys = named(message.body)
        except BadMessage as fault:
            self.unread[message.id] = fault
        else:
            self.named[message.id] = message, keys
            self.keys.update(dict.fromkeys(keys))


def consume(
    queue: EventQueue, named: Named, record: Record, limits: Limits, clock: Callable[[], float] = time.monotonic
) -> Consumed:
    """Receives messages until there are none or a limit is reached; each is deleted once all its keys are recorded.

    Where `record` raises, the messages of its round are given back at once, and what it raised goes on.
    """
    consumed = Consumed()
    until = clock() + limits.seconds
    while not consumed.is_drained and consumed.messages < limits.messages and clock() < until:
        round_until = min(until, clock() + limits.gathering_seconds)
        gathered = _gather(queue, named, limits.messages - consumed.messages, round_until, clock)
        consumed.messages += gathered.messages
        consumed.unread |= gathered.unread
        consumed.is_drained = gathered.is_last
        _settle(queue, gathered, record, consumed)
    return consumed


def _gather(queue: EventQueue, named: Named, most: int, until: float, clock: Callable[[], float]) -> _Gathered:
    """Receives by more requests at once the more there is, until the round is full, its time is up or nothing more comes."""
    gathered, requests = _Gathered(), 1
    while gathered.messages < most and len(gathered.keys) < KEYS_PER_ROUND:
        received = queue.receive(most - gathered.messages, requests)
        for message in received:
            gathered.take(message, named)
        gathered.is_last = not received
        if gathered.is_last or clock() >= until:
            break
        requests = min(2 * requests, REQUESTS_AT_ONCE)
    return gathered


def _settle(queue: EventQueue, gathered: _Gathered, record: Record, consumed: Consumed) -> None:
    """Has the round's keys recorded, then deletes its messages."""
    keys, unseen = list(gathered.keys), set[str]()
    with queue.held([message for message, _ in gathered.named.values()]):
        for start in range(0, len(keys), KEYS_PER_ROUND):
            unseen.update(record(keys[start : start + KEYS_PER_ROUND]))
    waiting = {name for name, (_, its_keys) in gathered.named.items() if not unseen.isdisjoint(its_keys)}
    consumed.keys += len(keys)
    consumed.no_news += sum(not its_keys for _, its_keys in gathered.named.values())
    consumed.unseen |= waiting
    consumed.undeleted |= queue.delete([message for name, (message, _) in gathered.named.items() if name not in waiting])
