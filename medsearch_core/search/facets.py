"""The attributes of images that hits are filtered by and whose values are counted, in one table.

A new facet is a row of `FACETS`, over a text column of `dicom_metadata`. From it follow the fields of documents, of both
indexes and of `Filters`, the arguments of the GraphQL schema, and the chips on the page. It says `since=` one more than
`INDEX_SCHEMA_VERSION` was. An index is not changed in place. Until `medsearch reindex` has built one with the new schema beside
it, the old one answers searches as before, in which the new facet finds nothing, and takes no documents.
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
        name: of the filter, of the list of values that a report's study has, and of what is counted.
        column: of `dicom_metadata`, and of an image's document.
        title: what people call it.
        description: of the filter in the GraphQL schema.
        since: the version of the index's schema that first had it.
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
"""All facets, in the order in which people see them."""

INDEX_SCHEMA_VERSION = max(facet.since for facet in FACETS)
"""The version of the index's schema."""

Class = TypeVar("Class")


def add_facets(
    *, after: str, name: Callable[[Facet], str], hint: Any, default: Callable[[Facet], Any]
) -> Callable[[type[Class]], type[Class]]:
    """A class decorator, for a dataclass or a GraphQL input: adds a field for each facet.

    Args:
        after: the field of the class's own that they follow.
        name: of a facet's field.
        hint: the fields' type.
        default: of a facet's field.
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
