"""The service: `create_app(settings)`, and `main`, which runs it.

Belongs here: routes and middleware. Importing this module has no side effects.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL

from medsearch_api.backends.context import Backends, Context, OpenBackends, create_context, open_backends
from medsearch_api.backends.instrumented import instrument
from medsearch_api.dicomweb.routes import ROUTES as DICOMWEB
from medsearch_api.dicomweb.search import ROOT as DICOMWEB_ROOT
from medsearch_api.health import ROUTES
from medsearch_api.http import logs
from medsearch_api.http.admission import Admission, AdmitDear
from medsearch_api.http.compression import Compression
from medsearch_api.http.middleware import AccessLog, BodyLimit, SecurityHeaders
from medsearch_api.http.page import ROUTES as PAGE
from medsearch_api.http.request_ids import RequestIds
from medsearch_api.http.timeout import TimeLimit
from medsearch_api.imaging.frames import ROUTES as FRAMES
from medsearch_api.imaging.services import open_imaging
from medsearch_api.imaging.thumbnails import ROUTES as THUMBNAILS
from medsearch_api.processes.count import count_workers
from medsearch_api.processes.serve import Shared, serve_alone, serve_with_workers
from medsearch_api.schema.build import build_appsync_schema, build_schema
from medsearch_api.schema.over_http import CodedErrors, InMemoryForms, InMemoryRequest
from medsearch_api.settings import Settings
from medsearch_api.sign_in.guard import APPSYNC
from medsearch_api.sign_in.modes import open_sign_in
from medsearch_api.sign_in.viewer import get_viewer
from medsearch_api.uploads.forms import FORM_OVERHEAD_BYTES, UploadSlots
from medsearch_core.errors import ConfigurationError
from medsearch_core.process.environment import load_env_file, load_settings
from medsearch_core.process.permissions import keep_files_private, warn_of_exposures
from medsearch_core.process.signals import heed_signals
from medsearch_core.workers.confinement import hide_memory


def create_app(settings: Settings, open_backends: OpenBackends = open_backends, shared: Shared | None = None) -> Starlette:
    """Create the service.

    Args:
        open_backends: opens the data sources; tests pass their own.
        shared: what all worker processes share; None for a process that shares nothing.

    Raises:
        ConfigurationError: sign-in is not configured, or a backend cannot be opened.
    """
    shared = shared or Shared()
    sign_in = open_sign_in(settings, shared.sessions)
    backends = instrument(open_backends(settings))
    schema = build_schema(settings.is_introspection_enabled)
    appsync_schema = build_appsync_schema(settings.is_introspection_enabled)
    imaging = open_imaging(settings, backends.warehouse, shared.turns, shared.workers)
    app = Starlette(
        lifespan=imaging.lifespan,
        routes=[
            Route("/graphql", GraphQLOverPost(backends, schema, shared.uploads), methods=["POST"]),
            Route(APPSYNC, GraphQLOverPost(backends, appsync_schema), methods=["POST"]),
            *THUMBNAILS,
            *FRAMES,
            *DICOMWEB,
            *ROUTES,
            *PAGE,
            *sign_in.routes,
        ],
        middleware=[
            Middleware(RequestIds),
            Middleware(SecurityHeaders),
            Middleware(AccessLog),
            Middleware(Compression),
            sign_in.guard,
            Middleware(BodyLimit, {"/graphql": settings.api_upload_max_bytes + FORM_OVERHEAD_BYTES}),
            Middleware(AdmitDear, Admission(settings.api_searches, settings.api_queue_seconds), is_dear),
            Middleware(TimeLimit, settings.api_request_seconds),
        ],
    )
    app.state.backends = backends
    app.state.imaging = imaging
    return app


def is_dear(path: str) -> bool:
    """Whether a path's requests search, and so wait their turn: GraphQL, and DICOMweb's searches but not its downloads."""
    is_dicomweb_search = path.startswith(f"{DICOMWEB_ROOT}/") and path.endswith(("/studies", "/series", "/instances"))
    return is_dicomweb_search or path in ("/graphql", APPSYNC)


class GraphQLOverPost(CodedErrors, InMemoryForms, GraphQL[Context, None]):
    """GraphQL over POST only: a query in a URL would end up in logs and browser histories.

    There is no GraphiQL, because it loads scripts from other hosts, which the content security policy forbids. `schema.graphql`
    opens in any GraphQL client.

    Args:
        uploads: for forms with a file; None if it accepts none.
    """

    request_adapter_class = InMemoryRequest

    def __init__(self, backends: Backends, schema: Schema, uploads: UploadSlots | None = None) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(),
            multipart_uploads_enabled=uploads is not None,
            has_embedder=backends.embedder is not None,
            slots=uploads,
        )
        self._backends = backends

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return create_context(self._backends, get_viewer(request.scope))


def main(arguments: Sequence[str] | None = None) -> None:
    """`medsearch-api`: serves until it is stopped, and finishes the requests in progress.

    Exits with a one-sentence message if a setting is missing or invalid.
    """
    build_parser().parse_args(arguments)
    heed_signals()
    hide_memory()
    try:
        load_env_file()
        keep_files_private()
        settings = load_settings(Settings)
        workers = count_workers(settings)
        if workers > 1:
            open_sign_in(settings)  # what is missing is said before anything is started
            logs.configure()
            warn_of_exposures(settings)
            serve_with_workers(settings, workers, create_app)
            return
        app = create_app(settings)
    except ConfigurationError as error:
        sys.exit(str(error))
    logs.configure()
    warn_of_exposures(settings)
    serve_alone(app, settings)


def build_parser() -> argparse.ArgumentParser:
    """The parser of `medsearch-api`, which takes no arguments of its own."""
    parser = argparse.ArgumentParser(
        prog="medsearch-api",
        description="Serve the search page, GraphQL and DICOMweb until Ctrl-C.",
        epilog="Settings are environment variables or lines of a file .env in the current folder; docs/settings.md lists them. "
        "It refuses to start until sign-in is configured (MEDSEARCH_API_SIGN_IN).",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('medsearch')}")
    return parser
