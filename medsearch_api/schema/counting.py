"""Metrics of GraphQL operations: root fields by error code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, SelectionSetNode
from strawberry.extensions import SchemaExtension

from medsearch_api.http.metrics import GRAPHQL_FIELDS, OK
from medsearch_api.schema.errors import to_client_error

WHOLE_DOCUMENT = "-"
"""The label of a document that was rejected before any of its fields was resolved."""

CANCELLED = "CANCELLED"


class CountFields(SchemaExtension):
    """Counts each operation's root fields. Only names known to the schema are counted: others fail validation."""

    def __init__(self, schema_name: str) -> None:
        self._schema_name = schema_name

    def on_operation(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            document = self.execution_context.graphql_document
            self._count(dict.fromkeys(self._names(document).values() if document else [WHOLE_DOCUMENT], CANCELLED))
            raise
        if self.execution_context.result is not None:
            self._count(self._codes(self.execution_context.result, self.execution_context.graphql_document))

    def _codes(self, result: Any, document: DocumentNode | None) -> dict[str, str]:
        """Return root field → code of its first error. An error without a field concerns the whole document.

        A failed non-null field discards the whole response: the fields without an error then count as cancelled.
        """
        errors: list[GraphQLError] = result.errors or []
        default = CANCELLED if errors and result.data is None else OK
        code_of: dict[object, str] = {}
        for error in errors:
            code_of.setdefault(
                error.path[0] if error.path else None, str((to_client_error(error).extensions or {}).get("code"))
            )
        if None in code_of or document is None:
            return {WHOLE_DOCUMENT: code_of.get(None, OK)}
        return {name: code_of.get(key, default) for key, name in self._names(document).items()}

    def _names(self, document: DocumentNode) -> dict[str, str]:
        """Return response key (alias or name) → name of the executed operation's root fields."""
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        operation_name = self.execution_context.operation_name
        names: dict[str, str] = {}

        def walk(selections: SelectionSetNode) -> None:
            for node in selections.selections:
                if isinstance(node, FieldNode):
                    names[node.alias.value if node.alias else node.name.value] = node.name.value
                else:
                    walk(getattr(node, "selection_set", None) or fragments[node.name.value].selection_set)  # type: ignore[attr-defined]

        for operation in document.definitions:
            if isinstance(operation, OperationDefinitionNode) and operation_name in (
                None,
                operation.name and operation.name.value,
            ):
                walk(operation.selection_set)
        return names

    def _count(self, codes: dict[str, str]) -> None:
        for name, code in codes.items():
            GRAPHQL_FIELDS.labels(self._schema_name, name, code).inc()
