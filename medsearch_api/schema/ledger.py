"""The state of landed objects, as counts only."""

from enum import Enum
from typing import Any, Self

import strawberry
from strawberry import enum_value

from medsearch_core.records import STATES
from medsearch_core.storage import ledger


def _state(name: str) -> Any:
    """Create an enum value described as in the data contract."""
    return enum_value(name, description=f"{STATES[name][0].upper()}{STATES[name][1:]}.")


@strawberry.enum(description="The state of a landed object.")
class LedgerState(Enum):
    INDEXED = _state("indexed")
    PENDING = _state("pending")
    REJECTED = _state("rejected")
    EXCLUDED = _state("excluded")
    UNACCOUNTED = _state("unaccounted")
    SUPERSEDED = _state("superseded")
    DELETED = _state("deleted")


@strawberry.type(description="The number of objects rejected or excluded for one reason.")
class LedgerReason:
    reason: str = strawberry.field(description="The reason, one of those in the data contract.")
    count: int = strawberry.field(description="Number of objects.")


@strawberry.type(description="The number of objects in one state.")
class LedgerCount:
    state: LedgerState = strawberry.field(description="The state.")
    count: int = strawberry.field(description="Number of objects.")
    reports: int = strawberry.field(description="Number of reports among them.")
    images: int = strawberry.field(description="Number of images derived from them.")
    reasons: list[LedgerReason] = strawberry.field(
        description="The reasons, most frequent first; empty for states that need none."
    )


@strawberry.type(description="The state of all landed objects at the last ledger run. Contains no keys.")
class LedgerTotals:
    objects: int = strawberry.field(description="Number of landed objects, in all states except SUPERSEDED and DELETED.")
    states: list[LedgerCount] = strawberry.field(description="Every state, with the number of objects in it.")

    @classmethod
    def of(cls, totals: ledger.LedgerTotals) -> Self:
        """Create it from the ledger's totals."""
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
