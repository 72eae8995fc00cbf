"""Images similar to an indexed image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from medsearch_core.errors import NotIndexed
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import NO_FILTERS, Filters
from medsearch_core.search.results import ImageHit


class Exclude(Enum):
    """What to exclude from the images similar to an image."""

    NOTHING = "nothing"
    IMAGE = "image"
    STUDY = "study"
    PATIENT = "patient"


def similar_to(
    index: SearchIndex,
    image_id: str,
    k: int,
    filters: Filters = NO_FILTERS,
    offset: int = 0,
    exclude: Exclude = Exclude.IMAGE,
) -> Sequence[ImageHit]:
    """The k images most similar to an indexed image, as found by `SearchIndex.similar`.

    Raises:
        NotIndexed: the image is not in the index.
        InvalidQuery: as for `SearchIndex.similar`; also if the image's vector is zero.
    """
    vector, narrowed_filters = query_by_image(index, image_id, filters, exclude)
    return index.similar(vector, k, narrowed_filters, offset)


def query_by_image(
    index: SearchIndex, image_id: str, filters: Filters = NO_FILTERS, exclude: Exclude = Exclude.IMAGE
) -> tuple[Sequence[float], Filters]:
    """The query for images similar to an indexed image: its vector, and the filters with the exclusions.

    Raises:
        NotIndexed: the image is not in the index.
    """
    (vector,) = index.vectors([image_id])
    if vector is None:
        raise NotIndexed("the image is not in the index")
    if exclude is Exclude.NOTHING:
        return vector, filters
    if exclude is Exclude.IMAGE:
        return vector, replace(filters, without_images=(*filters.without_images, image_id))
    (image,) = index.images([image_id])
    if image is None:
        raise NotIndexed("the image is not in the index")
    if exclude is Exclude.STUDY:
        return vector, replace(filters, without_studies=(*filters.without_studies, image.study))
    return vector, replace(filters, without_patients=(*filters.without_patients, image.patient))
