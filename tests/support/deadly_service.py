"""`medsearch-api`, whose decoding processes do what `deadly_decoding` says."""

from __future__ import annotations

from medsearch_api.app import main as serve
from medsearch_api.imaging import decoders

PRELOADED = (*decoders.PRELOADED, "tests.support.deadly_decoding")


def main() -> None:
    decoders.PRELOADED = PRELOADED
    serve()
