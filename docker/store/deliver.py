"""Copies every file below a folder into the landing store, under the same names: `python deliver.py FOLDER`.

Existing objects with the same name are replaced. Links are skipped and counted. Files are copied one after the other; for whole
archives use an S3 client.
"""

import os
import sys

from medsearch_core.storage.object_store import LINK_ETAG, S3Options
from medsearch_core.storage.open import open_store


def deliver(folder: str, landing: str, s3: S3Options) -> tuple[int, int]:
    """Copies the files; returns how many files were copied and how many links were skipped."""
    source, target = open_store(folder, must_exist=True), open_store(landing, s3)
    files = links = 0
    for entry in source.list():
        if entry.etag == LINK_ETAG:
            links += 1
            continue
        target.write(entry.key, source.read(entry.key))
        files += 1
    return files, links


if __name__ == "__main__":
    environment = os.environ
    options = S3Options(environment.get("MEDSEARCH_S3_ENDPOINT"), environment.get("MEDSEARCH_S3_REGION"))
    files, links = deliver(sys.argv[1], environment["MEDSEARCH_LANDING"], options)
    print(f"{files} files were delivered" + (f", {links} links were not" if links else ""))
