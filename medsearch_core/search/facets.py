"""The image attributes by which hits are filtered and counted, in one table.

A new facet is a row of `FACETS`, over a text column of `dicom_metadata`. From it follow the fields of documents, of both
indexes and of `Filters`, the arguments of the GraphQL schema, and the chips on the page. Its `since=` is one more than
`INDEX_SCHEMA_VERSION` was. An index is not changed in place. Until `medsearch reindex` has built one with the new schema beside
it, the old one is searched as before, the new facet matches nothing, and no documents are accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

FIRST_SCHEMA_VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Facet:
    """One attribute of images.

    Args:
        name: name of the filter, of a report document's list of values, and of the facet.
        column: column of `dicom_metadata`, and field of an image document.
        title: label shown to users.
        description: description of the filter in the GraphQL schema.
        since: the first version of the index's schema that has it.
    """

    name: str
    column: str
    title: str
    description: str
    since: int = FIRST_SCHEMA_VERSION


FACETS = (
    Facet(name="modalities", column="modality", title="Modality", description="Modality (0008,0060), e.g. DX."),
    Facet(
        name="body_parts",
        column="body_part_examined",
        title="Body part",
        description="BodyPartExamined (0018,0015), e.g. CHEST.",
    ),
    Facet(name="views", column="view_position", title="View", description="ViewPosition (0018,5101), e.g. PA."),
    Facet(name="lateralities", column="laterality", title="Laterality", description="Laterality, L or R."),
    Facet(
        name="devices",
        column="manufacturer_model_name",
        title="Device",
        description="ManufacturerModelName (0008,1090), as the objects spell it.",
        since=3,
    ),
)
"""All facets, in display order."""

INDEX_SCHEMA_VERSION = max(facet.since for facet in FACETS)
"""The version of the index's schema."""

Class = TypeVar("Class")


def add_facets(
    *, after: str, name: Callable[[Facet], str], hint: Any, default: Callable[[Facet], Any]
) -> Callable[[type[Class]], type[Class]]:
    """A class decorator, for a dataclass or a GraphQL input: adds a field for each facet.

    Args:
        after: the class's own field that they follow.
        name: returns the name of a facet's field.
        hint: the fields' type.
        default: returns the default of a facet's field.
    """

    def add(cls: type[Class]) -> type[Class]:
        own = list(cls.__annotations__.items())
        place = [field for field, _ in own].index(after) + 1
        added = [(name(facet), hint) for facet in FACETS]
        cls.__annotations__ = dict([*own[:place], *added, *own[place:]])
        for facet in FACETS:
            setattr(cls, name(facet), default(facet))
        return cls

    return add
