"""Threads for short reads, which no search can take: they would wait in asyncio's own threads behind the searches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

THREADS = 8
_POOL = ThreadPoolExecutor(THREADS, "quick")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def run_quickly(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Run short blocking work in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, partial(work, *args, **kwargs))
