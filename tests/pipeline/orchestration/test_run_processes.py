"""What is imported before a run is forked."""

from __future__ import annotations

import json
import subprocess
import sys

from medsearch_pipeline.orchestration.run_processes import PRELOADED

SCRIPT = """
import importlib, json, sys, threading
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps({"modules": [*sys.modules], "threads": threading.active_count()}))
"""


def test_every_module_exists_and_starts_no_thread_and_reads_no_settings() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *PRELOADED], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["threads"] == 1
    assert set(PRELOADED) <= set(found["modules"])
    assert "medsearch_pipeline.definitions" not in found["modules"]
