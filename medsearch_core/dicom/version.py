"""The version of everything between a stored pixel and an image.

Part of the digest of everything derived from an image: thumbnails and model inputs. Increment it whenever the same object would
yield other pixels, so that derived data is recomputed.
"""

from __future__ import annotations

PIXEL_VERSION = "5"
