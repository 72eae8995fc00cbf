"""Images like an image: what is left out, and how a place is kept for what takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from medsearch_core.search.documents import ImageDocument
from medsearch_core.search.index import MAX_HITS, Filters, ImageHit, SearchIndex


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """What hits are to be like: an indexed image, or a vector of the index's model."""

    image: ImageDocument | None
    vector: Sequence[float] = ()
    exclude_same_patient: bool = False
    exclude_same_study: bool = False
    include_self: bool = False


def similar_images(index: SearchIndex, likeness: Likeness, k: int, filters: Filters) -> Sequence[ImageHit]:
    """The k nearest images, nearest first."""
    image = likeness.image
    if image is None:
        return index.similar(likeness.vector, k, filters)
    if likeness.exclude_same_patient:
        others = replace(filters, without_patients=(*filters.without_patients, image.patient))
        return index.similar(image.vector, k, others)
    others = replace(filters, without_studies=(*filters.without_studies, image.study))
    if likeness.exclude_same_study:
        return index.similar(image.vector, k, others)
    if likeness.include_self:
        return index.similar(image.vector, k, filters)
    if k < MAX_HITS:
        hits = index.similar(image.vector, k + 1, filters)
    else:  # no place is left for the image itself, so its study is asked for apart
        own = replace(filters, studies=(image.study,)) if not filters.studies or image.study in filters.studies else None
        hits = [*index.similar(image.vector, k, others), *(index.similar(image.vector, k, own) if own else ())]
        hits = sorted(hits, key=lambda hit: (-hit.score, hit.document.image_id))
    return [hit for hit in hits if hit.document.image_id != image.image_id][:k]
