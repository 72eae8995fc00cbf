"""The cost of a GraphQL document as a whole, measured before it is validated or executed.

Belongs here: depth, aliases, fields, directives, root fields, and the values that nested lists multiply to. One pass counts
each fragment once, so that measuring cannot itself be used for an attack. Introspection counts as fields only; graphql-core's
`MaxIntrospectionDepthRule` limits its depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    VariableNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    visit,
)
from strawberry.extensions import SchemaExtension

from medsearch_api.http.error_codes import Code
from medsearch_api.schema.errors import document_error
from medsearch_api.schema.limits import MAX_FIRST
from medsearch_core.search.query import MAX_HITS, MAX_PAGE

MAX_TOKENS = 2000
MAX_DEPTH = 12
MAX_ALIASES = 20
MAX_FIELDS = 500
MAX_DIRECTIVES = 20
MAX_ROOTS = 20
MAX_VALUES = 50_000
MAX_DIGITS = 400
"""The longest integer. Python refuses to parse one with thousands of digits."""

LENGTH_ARGUMENTS = {"first": MAX_FIRST, "size": MAX_PAGE, "k": MAX_HITS}
"""Arguments that set a list's length, with the highest value that any field allows. If a field has several, the first one here
counts: beside `first`, `k` only limits how far pages go."""

DEFAULT_LIST_LENGTH = 10
"""Assumed length of a list that no argument limits, such as a report's mentions, or whose argument was omitted."""


class CostLimits(SchemaExtension):
    """Rejects documents that exceed the limits, and introspection if it is disabled."""

    def __init__(self, introspection: bool = True) -> None:
        self._introspection = introspection

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if document := context.graphql_document:
            cost = measure_cost(document, context.schema._schema, context.variables or {})
            if cost.introspects and not self._introspection:
                context.pre_execution_errors = [
                    document_error(
                        Code.FORBIDDEN, "Introspection is disabled on this server. Use the published schema instead."
                    )
                ]
            elif fault := limit_violation(cost) or _long_number_violation(document):
                context.pre_execution_errors = [document_error(Code.LIMIT_EXCEEDED, fault)]
        yield


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a selection, with its fragments expanded.

    Args:
        width: number of fields side by side.
        values: number of values in the response if every list has its requested length.
    """

    depth: int = 0
    width: int = 0
    aliases: int = 0
    fields: int = 0
    directives: int = 0
    values: int = 0
    introspects: bool = False


def limit_violation(cost: Cost) -> str | None:
    """Return the message for the first limit that the cost exceeds, or None."""
    limits = (
        ("levels", cost.depth, MAX_DEPTH),
        ("aliases", cost.aliases, MAX_ALIASES),
        ("fields", cost.fields, MAX_FIELDS),
        ("directives", cost.directives, MAX_DIRECTIVES),
        ("queries", cost.width, MAX_ROOTS),
        ("values", cost.values, MAX_VALUES),
    )
    exceeded = ((what, limit) for what, amount, limit in limits if amount > limit)
    return next(
        (f"The query requests more than {limit} {what}. Split it into smaller queries." for what, limit in exceeded), None
    )


def _long_number_violation(document: DocumentNode) -> str | None:
    longest = _LongestNumber()
    visit(document, longest)
    return (
        f"The query contains a number with more than {MAX_DIGITS} digits. Shorten it." if longest.digits > MAX_DIGITS else None
    )


class _LongestNumber(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.digits = 0

    def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
        self.digits = max(self.digits, len(node.value))


def measure_cost(document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any]) -> Cost:
    """Measure the cost of all operations of a document."""
    return _CostVisitor(document, schema, variables).document()


class _CostVisitor:
    """Traverses a document once. Fields unknown to the schema count once; validation rejects them."""

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._counted: dict[str, Cost] = {}
        self._variables = self._defaults() | dict(variables)

    def document(self) -> Cost:
        costs = []
        for operation in self._operations:
            root = self._schema.get_root_type(operation.operation)
            below = self._selections(operation.selection_set, root)
            costs.append(_with_directives(below, operation))
        return _total(costs)

    def _defaults(self) -> dict[str, Any]:
        definitions = [v for o in self._operations for v in o.variable_definitions or ()]
        return {v.variable.name.value: v.default_value for v in definitions if v.default_value}

    def _selections(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> Cost:
        return _total([self._selection(s, parent) for s in selections.selections]) if selections else Cost()

    def _selection(self, node: object, parent: GraphQLNamedType | None) -> Cost:
        if isinstance(node, FragmentSpreadNode):
            return _with_directives(self._fragment(node.name.value), node)
        if isinstance(node, InlineFragmentNode):
            kind = self._schema.get_type(node.type_condition.name.value) if node.type_condition else parent
            return _with_directives(self._selections(node.selection_set, kind), node)
        return _with_directives(self._field(node, parent), node) if isinstance(node, FieldNode) else Cost()

    def _fragment(self, name: str) -> Cost:
        if name not in self._counted:
            self._counted[name] = Cost()  # a recursive fragment adds nothing; validation rejects it
            if fragment := self._fragments.get(name):
                kind = self._schema.get_type(fragment.type_condition.name.value)
                self._counted[name] = _with_directives(self._selections(fragment.selection_set, kind), fragment)
        return self._counted[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Cost:
        name = node.name.value
        definition = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        below = self._selections(node.selection_set, get_named_type(definition.type) if definition else None)
        return Cost(
            depth=0 if name.startswith("__") else below.depth + 1,
            width=1,
            aliases=below.aliases + (node.alias is not None),
            fields=below.fields + 1,
            directives=below.directives,
            values=self._length(node, definition, parent) * (1 + below.values),
            introspects=below.introspects or name in ("__schema", "__type"),
        )

    def _length(self, node: FieldNode, definition: GraphQLField | None, parent: GraphQLNamedType | None) -> int:
        """Return the maximum number of objects of a field. A connection counts its edges itself, so they do not count again."""
        if definition is None or is_leaf_type(get_named_type(definition.type)):
            return 1
        for name, max_length in LENGTH_ARGUMENTS.items():
            if name in definition.args:
                return self._requested_length(node, name, definition.args[name], max_length)
        is_within = parent is not None and parent.name.endswith("Connection")
        return DEFAULT_LIST_LENGTH if _is_list(definition) and not is_within else 1

    def _requested_length(self, node: FieldNode, name: str, argument: GraphQLArgument, max_length: int) -> int:
        default = argument.default_value
        value: Any = next((a.value for a in node.arguments or () if a.name.value == name), default)
        if isinstance(value, VariableNode):
            value = self._variables.get(value.name.value, default)
        if (value in (None, Undefined) or isinstance(value, NullValueNode)) and not is_non_null_type(argument.type):
            return DEFAULT_LIST_LENGTH
        if isinstance(value, IntValueNode):
            value = float(value.value)
        is_allowed = isinstance(value, int | float) and 0 <= value <= max_length
        return max(int(value), 1) if is_allowed else max_length  # execution rejects anything else


def _is_list(field: GraphQLField) -> bool:
    kind = field.type
    return is_list_type(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)


def _with_directives(cost: Cost, node: Any) -> Cost:
    return _total([cost, Cost(directives=len(node.directives))]) if node.directives else cost


def _total(costs: list[Cost]) -> Cost:
    def total(name: str) -> int:
        return sum(getattr(c, name) for c in costs)

    return Cost(
        depth=max((c.depth for c in costs), default=0),
        width=total("width"),
        aliases=total("aliases"),
        fields=total("fields"),
        directives=total("directives"),
        values=total("values"),
        introspects=any(c.introspects for c in costs),
    )
