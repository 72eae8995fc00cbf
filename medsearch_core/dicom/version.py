"""The version of everything between a stored pixel and a picture.

Part of the digest of what is derived from an image: thumbnails, and the input of a model. Count it up whenever the same
object would come out as other pixels, so that what was derived is derived again.
"""

from __future__ import annotations

PIXEL_VERSION = "3"
