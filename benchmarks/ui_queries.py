"""The GraphQL queries of Dagster's UI, extracted from the web page that the installed `dagster-webserver` serves.

The queries are text in its files, with fragments elsewhere in the same files. So the measurements use this version's queries,
not an outdated copy.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import dagster_webserver
from graphql import FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode, Visitor, parse, print_ast, visit

_TEXT = re.compile(r'"(\\n\s*(?:query|fragment|mutation|subscription) (?:\\.|[^"\\])*)"')

Definition = OperationDefinitionNode | FragmentDefinitionNode


def ui_query(name: str) -> str:
    """A query of the UI by name, with all its fragments."""
    found = _definitions()
    wanted, due = {name: found[name]}, [found[name]]
    while due:
        spreads = _Spreads()
        visit(due.pop(), spreads)
        new = spreads.names - wanted.keys()
        wanted |= {fragment: found[fragment] for fragment in new}
        due += [found[fragment] for fragment in new]
    return "\n".join(print_ast(definition) for definition in wanted.values())


@cache
def _definitions() -> dict[str, Definition]:
    pages = Path(dagster_webserver.__file__).parent / "webapp" / "build" / "_next" / "static" / "chunks"
    found: dict[str, Definition] = {}
    for page in sorted(pages.rglob("*.js")):
        for text in _TEXT.findall(page.read_text(encoding="utf-8")):
            for definition in parse(json.loads(f'"{text}"')).definitions:
                if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode) and definition.name:
                    found[definition.name.value] = definition
    return found


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.add(node.name.value)
