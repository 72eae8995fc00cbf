"""How much one request may ask for.

Belongs here: the size of a document, checked before it is validated or run, and the ranges of arguments. A document's cost is
counted in one pass in which each fragment is counted once, so that counting is never the attack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, GraphQLError, SelectionSetNode
from strawberry.extensions import SchemaExtension

from medsearch_core.errors import InvalidQuery
from medsearch_core.search.query import MAX_DEPTH as MAX_REACH

MAX_TOKENS = 2000
MAX_DEPTH = 7
MAX_ALIASES = 20
MAX_FIELDS = 500
MAX_LIMIT = 200
MAX_QUERY_CHARACTERS = 1000
MAX_DIMENSIONS = 8192


class CostLimits(SchemaExtension):
    """Refuses documents nested too deep, with too many aliases, or with too many fields once fragments are spread."""

    def on_validate(self) -> Iterator[None]:
        document = self.execution_context.graphql_document
        fault = fault_of(document) if document else None
        if fault:
            self.execution_context.pre_execution_errors = [GraphQLError(fault)]
        yield


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection asks for, fragments spread. Introspection counts its fields, not its depth."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0


def fault_of(document: DocumentNode) -> str | None:
    """Why a document is refused, or None."""
    cost = cost_of(document)
    limits = (("levels", cost.depth, MAX_DEPTH), ("aliases", cost.aliases, MAX_ALIASES), ("fields", cost.fields, MAX_FIELDS))
    return next((f"The query asks for more than {limit} {what}." for what, asked, limit in limits if asked > limit), None)


def cost_of(document: DocumentNode) -> Cost:
    """The cost of all operations of a document."""
    fragments = {d.name.value: d.selection_set for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    counted: dict[str, Cost] = {}

    def of_fragment(name: str) -> Cost:
        if name not in counted:
            counted[name] = Cost()  # a fragment within itself adds nothing; validation refuses it
            counted[name] = of(fragments.get(name))
        return counted[name]

    def of(selections: SelectionSetNode | None) -> Cost:
        return _sum([of_one(s) for s in selections.selections]) if selections else Cost()

    def of_one(node: object) -> Cost:
        if isinstance(node, FragmentSpreadNode):
            return of_fragment(node.name.value)
        below = of(getattr(node, "selection_set", None))
        if not isinstance(node, FieldNode):
            return below
        depth = 0 if node.name.value.startswith("__") else below.depth + 1
        return Cost(depth, below.aliases + (node.alias is not None), below.fields + 1)

    operations = [d for d in document.definitions if not isinstance(d, FragmentDefinitionNode)]
    return _sum([of(getattr(o, "selection_set", None)) for o in operations])


def _sum(costs: list[Cost]) -> Cost:
    return Cost(max((c.depth for c in costs), default=0), sum(c.aliases for c in costs), sum(c.fields for c in costs))


def check_range(name: str, value: int, least: int, most: int) -> None:
    """
    Raises:
        InvalidQuery: the value is not `least` to `most`.
    """
    if not least <= value <= most:
        raise InvalidQuery(f"{name} must be {least} to {most}")


def check_page(offset: int, size_name: str, size: int, least: int, most: int) -> None:
    """
    Raises:
        InvalidQuery: the size is not `least` to `most`, or the page ends beyond what the index gives.
    """
    check_range(size_name, size, least, most)
    check_range("offset", offset, 0, MAX_REACH - size)


def check_query(query: str) -> None:
    """
    Raises:
        InvalidQuery: the words are too many.
    """
    if len(query) > MAX_QUERY_CHARACTERS:
        raise InvalidQuery(f"query may hold at most {MAX_QUERY_CHARACTERS} characters")


def checked_vector(vector: Sequence[float]) -> Sequence[float]:
    """The vector.

    Raises:
        InvalidQuery: it is longer than any model's.
    """
    if len(vector) > MAX_DIMENSIONS:
        raise InvalidQuery(f"vector may hold at most {MAX_DIMENSIONS} numbers")
    return vector
