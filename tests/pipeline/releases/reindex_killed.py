"""A rebuild that is killed with no warning after some batches: `python reindex_killed.py HOME BATCHES INDEX NAME`."""

import os
import signal
import sys
from pathlib import Path

from medsearch_core.search.open import open_index
from medsearch_pipeline.releases import load as release_load
from medsearch_pipeline.releases.build import reindex
from tests.support.parquet_fixtures import home_settings, warehouse_of


class Killing:
    """Ends this process when so many batches were written."""

    def __init__(self, batches: int) -> None:
        self._left = batches

    def step(self, what: str) -> None:
        pass

    def begin(self, studies: int) -> None:
        pass

    def advance(self, studies: int, images: int) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    settings = home_settings(Path(sys.argv[1]), index=sys.argv[3], index_name=sys.argv[4])
    release_load.BATCH = 4
    reindex(warehouse_of(settings), open_index(settings), Killing(int(sys.argv[2])))
