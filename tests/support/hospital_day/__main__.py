"""Runs a day and prints its account; ends with 1 if anything does not reconcile."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.support.hospital_day.day import Run
from tests.support.hospital_day.place import Place
from tests.support.hospital_day.plan import plan


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long objects keep arriving")
    parser.add_argument("--settle", type=int, default=15, help="MEDSEARCH_SETTLE_SECONDS")
    parser.add_argument("--home", type=Path, help="where everything is kept; a temporary folder by default")
    arguments = parser.parse_args()
    home = arguments.home or Path(tempfile.mkdtemp(prefix="hospital-day-"))
    day = plan(arguments.studies, arguments.seconds)
    print(f"{arguments.studies} studies, {len(day.steps)} steps, in {home}", flush=True)
    with Place(home, {"MEDSEARCH_SETTLE_SECONDS": str(arguments.settle)}) as place:
        started = time.monotonic()
        run = Run(place, day, lambda text: print(f"{time.monotonic() - started:6.0f} s  {text}", flush=True))
        seconds = run.live()
        print(f"quiet after {seconds:.0f} s", flush=True)
        account = run.account()
        for name, value in account.counts.items():
            print(f"{name}: {value}")
        again = run.second_pass()
    for difference in [*account.differences, *(f"second pass: {text}" for text in again)]:
        print(f"DIFFERENCE {difference}")
    print("everything reconciles" if not account.differences and not again else "does not reconcile")
    return bool(account.differences or again)


if __name__ == "__main__":
    sys.exit(main())
