"""The location of an image in the AppSync API: `Bucket` and `Key` of its thumbnail.

In AWS's sample both name the PNG that its page shows through Amplify Storage, not the DICOM object. Amplify's public access
level prefixes every key with `public/`, so the sample stores keys without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument
from medsearch_core.storage.warehouse import thumbnail_path

PUBLIC = "public/"


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket and a key in it."""

    bucket: str | None
    key: str

    @classmethod
    def of_thumbnail(cls, warehouse_url: str, image: ImageDocument) -> Self:
        """Return a thumbnail's location. A warehouse in a folder has no bucket, and its path is not disclosed."""
        path = thumbnail_path(StudyKey(image.patient, image.study), image.image_id)
        root = urlsplit(warehouse_url)
        if root.scheme != "s3":
            return cls(None, path)
        prefix = root.path.strip("/")
        return cls(root.netloc, f"{prefix}/{path}".lstrip("/").removeprefix(PUBLIC))
