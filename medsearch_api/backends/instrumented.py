"""Metrics of backend calls: how many, how long, and their outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, cast

from medsearch_api.backends.context import Backends
from medsearch_api.http.metrics import BACKEND_CALLS, BACKEND_SECONDS, OK
from medsearch_api.uploads.embedder_client import EmbedderClient, FileEmbedding
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import Warehouse


def instrument(backends: Backends) -> Backends:
    """Wrap the backends so that every call is counted and timed."""
    index = cast(ReleasedIndex, _InstrumentedBackend("index", backends.index))
    store = cast(ObjectStore, _InstrumentedBackend("warehouse", backends.warehouse.store))
    embedder = cast(EmbedderClient, _InstrumentedEmbedder(backends.embedder)) if backends.embedder else None
    return replace(backends, index=index, warehouse=Warehouse(store), embedder=embedder)


class _InstrumentedBackend:
    """A backend whose method calls are measured."""

    def __init__(self, backend: str, target: object) -> None:
        self._backend = backend
        self._target = target

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        return partial(_call, self._backend, name, attribute) if callable(attribute) else attribute


class _InstrumentedEmbedder:
    """An embedder whose calls are measured. It is asynchronous, so it needs no thread."""

    def __init__(self, embedder: EmbedderClient) -> None:
        self._embedder, self.max_bytes = embedder, embedder.max_bytes

    async def embed(self, data: bytes) -> FileEmbedding:
        with _measure("embedder", "embed"):
            return await self._embedder.embed(data)


def _call(backend: str, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with _measure(backend, name):
        return method(*args, **kwargs)


@contextmanager
def _measure(backend: str, name: str) -> Iterator[None]:
    begun, outcome = time.perf_counter(), OK
    try:
        yield
    except Exception as error:
        outcome = type(error).__name__
        raise
    finally:
        BACKEND_CALLS.labels(backend, name, outcome).inc()
        BACKEND_SECONDS.labels(backend, name).observe(time.perf_counter() - begun)
