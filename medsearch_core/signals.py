"""Ctrl-C and SIGTERM end a process, whoever started it.

A shell ignores SIGINT for what a script starts with `&`, every process below inherits that, and Dagster treats SIGTERM as it
treats SIGINT: nothing would end but by SIGKILL.
"""

from __future__ import annotations

import signal
import threading

ENDING = (signal.SIGINT, signal.SIGTERM)


def heed_signals() -> None:
    """Has an ignored SIGINT or SIGTERM end this process by `KeyboardInterrupt`, so that what it started ends as well.

    A signal that somebody handles stays theirs. What this process starts from now on ignores neither. Does nothing outside
    the main thread, where no signal can be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
