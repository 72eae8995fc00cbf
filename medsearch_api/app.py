"""The service: `create_app(settings)`, and `main` that runs it.

Belongs here: which address leads where, and what stands in front. Importing this does nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from medsearch_api.auth import sign_in_of
from medsearch_api.context import Backends, Context, OpenBackends, context_of, open_backends
from medsearch_api.middleware import ERRORS, AccessLog, BodyLimit, SecurityHeaders
from medsearch_api.page import PageFiles, index
from medsearch_api.schema.build import build_schema
from medsearch_api.settings import Settings
from medsearch_api.sign_in.viewer import viewer_of
from medsearch_api.thumbnails import ROUTE, thumbnail
from medsearch_core.errors import ConfigurationError, MedsearchError


def create_app(settings: Settings, open_backends: OpenBackends = open_backends) -> Starlette:
    """The service.

    Args:
        open_backends: where answers come from; tests give their own.

    Raises:
        ConfigurationError: sign-in is not configured, or a backend cannot be opened.
    """
    sign_in = sign_in_of(settings)
    backends = open_backends(settings)
    app = Starlette(
        routes=[
            Route("/", index),
            Route("/graphql", GraphQLOverPost(backends), methods=["POST"]),
            Route(ROUTE, thumbnail),
            Route("/health", health),
            Mount("/static", PageFiles()),
            *sign_in.routes,
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(AccessLog), sign_in.guard, Middleware(BodyLimit)],
    )
    app.state.backends = backends
    return app


class GraphQLOverPost(GraphQL[Context, None]):
    """GraphQL by POST alone: a query in an address would end up in logs and histories.

    There is no GraphiQL: it loads its scripts from elsewhere, which the content security policy forbids. `schema.graphql`
    opens in any client.
    """

    def __init__(self, backends: Backends) -> None:
        super().__init__(build_schema(), graphql_ide=None, allow_queries_via_get=False, subscription_protocols=())
        self._backends = backends

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return context_of(self._backends, viewer_of(request.scope))


async def health(request: Request) -> JSONResponse:
    """Whether the index can be read."""
    try:
        await asyncio.to_thread(request.app.state.backends.index.health)
    except MedsearchError as error:
        ERRORS.error("the index cannot be read: %s", type(error).__name__)
        return JSONResponse({"status": "unavailable"}, 503)
    return JSONResponse({"status": "ok"})


def main() -> None:
    """Serves until interrupted. A setting that is missing or wrong ends it with one sentence."""
    import uvicorn

    try:
        settings = Settings()
        app = create_app(settings)
    except ConfigurationError as error:
        sys.exit(str(error))
    except ValidationError as error:
        names = ", ".join(f"MEDSEARCH_{'_'.join(map(str, e['loc'])).upper()}" for e in error.errors())
        sys.exit(f"These settings cannot be read: {names}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvicorn.run(app, host=settings.api_host, port=settings.api_port, access_log=False, proxy_headers=False, server_header=False)
