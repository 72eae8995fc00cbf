"""Parsed and validated documents of one schema, so that a client that repeats its documents does not pay for them again.

Belongs here: what depends on a document's text alone. Not here: its cost, which depends on each request's variables.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock

from graphql import DocumentNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

MAX_CHARACTERS = 2**17
"""Of all texts together. A parsed document takes up to 350 bytes a character, a usual one 100."""


class DocumentCache:
    """The least recently used documents, and which of them are valid. Each schema has its own."""

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._lock = Lock()  # of all that follows
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()
        self._valid: set[str] = set()
        self.characters = 0

    def find(self, text: str) -> DocumentNode | None:
        """Return a text's document, or None if it is not cached."""
        with self._lock:
            if (document := self._documents.get(text)) is not None:
                self._documents.move_to_end(text)
            return document

    def add(self, text: str, document: DocumentNode) -> None:
        """Cache a document, dropping others until all fit. One that is longer than an eighth of the cache is not cached."""
        if len(text) > self._max_characters // 8:
            return
        with self._lock:
            if text not in self._documents:
                self._documents[text] = document
                self.characters += len(text)
            while self.characters > self._max_characters:
                dropped, _ = self._documents.popitem(last=False)
                self._valid.discard(dropped)
                self.characters -= len(dropped)

    def is_valid(self, text: str) -> bool:
        """Whether a cached document was found valid. One that is not is validated again, and refused again."""
        with self._lock:
            return text in self._valid

    def set_valid(self, text: str) -> None:
        """Remember that a document is valid, if it is cached."""
        with self._lock:
            if text in self._documents:
                self._valid.add(text)


class CachedDocuments(SchemaExtension):
    """Parses and validates with a cache. Comes after `CostLimits`, which weighs each request."""

    def __init__(self, cache: DocumentCache) -> None:
        self._cache = cache

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        if context.query:
            context.graphql_document = self._cache.find(context.query)
        is_new = context.graphql_document is None
        yield
        if is_new and context.query and context.graphql_document is not None:
            self._cache.add(context.query, context.graphql_document)

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if context.pre_execution_errors is None and context.query and (document := context.graphql_document) is not None:
            if self._cache.is_valid(context.query):
                context.pre_execution_errors = []
            else:
                context.pre_execution_errors = validate_document(context.schema._schema, document, context.validation_rules)
                if not context.pre_execution_errors:
                    self._cache.set_valid(context.query)
        yield
