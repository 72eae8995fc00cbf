"""Ctrl-C and SIGTERM end a process, no matter how it was started.

A shell ignores SIGINT for what a script starts with `&`, all its descendants inherit that, and Dagster treats SIGTERM like
SIGINT: only SIGKILL would end them.
"""

from __future__ import annotations

import signal
import threading

ENDING = (signal.SIGINT, signal.SIGTERM)


def heed_signals() -> None:
    """Makes an ignored SIGINT or SIGTERM raise `KeyboardInterrupt` in this process, so that its children end as well.

    Existing handlers are kept. Processes started from now on ignore neither signal. Does nothing outside the main thread,
    where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
