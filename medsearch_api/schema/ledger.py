"""What became of the landed objects, in counts alone."""

from enum import Enum
from typing import Any, Self

import strawberry
from strawberry import enum_value

from medsearch_core.records import STATES
from medsearch_core.storage import ledger


def _state(name: str) -> Any:
    """A state as the data contract tells it."""
    return enum_value(name, description=f"{STATES[name][0].upper()}{STATES[name][1:]}.")


@strawberry.enum(description="What became of a landed object.")
class LedgerState(Enum):
    INDEXED = _state("indexed")
    PENDING = _state("pending")
    REJECTED = _state("rejected")
    EXCLUDED = _state("excluded")
    UNACCOUNTED = _state("unaccounted")
    SUPERSEDED = _state("superseded")
    DELETED = _state("deleted")


@strawberry.type(description="How many objects were refused or left out for one reason.")
class LedgerReason:
    reason: str = strawberry.field(description="The reason, one of the data contract's.")
    count: int = strawberry.field(description="Objects.")


@strawberry.type(description="How many objects are in one state.")
class LedgerCount:
    state: LedgerState = strawberry.field(description="The state.")
    count: int = strawberry.field(description="Objects.")
    reports: int = strawberry.field(description="How many of them are reports.")
    images: int = strawberry.field(description="Images made of them.")
    reasons: list[LedgerReason] = strawberry.field(description="Why, most frequent first; empty where a state needs no reason.")


@strawberry.type(description="What became of every landed object, as of the last run of the ledger. No keys.")
class LedgerTotals:
    objects: int = strawberry.field(description="Objects landed: of all states but SUPERSEDED and DELETED.")
    states: list[LedgerCount] = strawberry.field(description="Every state, with how many objects are in it.")

    @classmethod
    def of(cls, totals: ledger.LedgerTotals) -> Self:
        """The totals as they are told."""
        return cls(objects=totals.landed, states=[_count(total) for total in totals.states])


def _count(total: ledger.StateTotal) -> LedgerCount:
    reasons = sorted(total.reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return LedgerCount(
        state=LedgerState(total.state),
        count=total.objects,
        reports=total.reports,
        images=total.images,
        reasons=[LedgerReason(reason=reason, count=count) for reason, count in reasons],
    )
