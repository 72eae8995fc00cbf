"""Health checks and metrics for operators and orchestrators.

The responses contain only the service's own states, names and counts, nothing about patients, so they need no sign-in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from medsearch_api.backends.context import Backends
from medsearch_api.http import metrics as instruments
from medsearch_api.http.logs import ERRORS
from medsearch_api.http.quick_threads import run_quickly
from medsearch_core.errors import MedsearchError


async def healthz(request: Request) -> JSONResponse:
    """Report that the process is up. Checks no backend, so that a failing backend does not get the process restarted."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> JSONResponse:
    """Report whether the index and the warehouse can be read; 503 if not.

    `decoding` says whether the processes that decode are confined as ADR 28 describes. The service is ready without that; which
    part the kernel refuses is in the log alone.
    """
    backends: Backends = request.app.state.backends
    index, warehouse = await asyncio.gather(
        _check_backend("index", backends.index.count), _check_backend("warehouse", backends.warehouse.store.check)
    )
    is_ready = index == warehouse == "ok"
    decoding = request.app.state.imaging.renderer.decoders.confinement
    body = {"status": "ok" if is_ready else "unavailable", "index": index, "warehouse": warehouse, "decoding": decoding}
    return JSONResponse(body, 200 if is_ready else 503)


async def metrics(request: Request) -> Response:
    """Return the metrics of all worker processes in Prometheus' text format."""
    return Response(await run_quickly(instruments.read), headers={"content-type": CONTENT_TYPE_LATEST})


async def _check_backend(name: str, read: Callable[[], object]) -> str:
    try:
        await run_quickly(read)
    except MedsearchError as error:
        ERRORS.error("the %s cannot be read: %s", name, type(error).__name__)
        return "unavailable"
    return "ok"


ROUTES = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
