"""`medsearch webserver`: Dagster's webserver as `dagster-webserver` starts it, behind the guard."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import uvicorn
from dagster._cli.utils import get_possibly_temporary_instance_for_cli
from dagster._cli.workspace.cli_target import WorkspaceOpts, workspace_opts_to_load_target
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._utils.interrupts import setup_interrupt_handlers
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_MAX_OVERFLOW, DEFAULT_POOL_RECYCLE
from dagster_webserver.version import __version__

from medsearch_core.process.permissions import warn_of_exposures
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.webserver.guard import Guard

LOG = logging.getLogger("dagster-webserver")
POLL_MILLISECONDS = 2000
"""How often the UI asks for the state of assets; `dagster-webserver`'s default."""


def serve(
    settings: Settings, workspace: Sequence[str], module: Sequence[str], host: str, port: int, prefix: str, is_read_only: bool
) -> int:
    """Serves until it is stopped; returns 0.

    Args:
        workspace: workspace files; ./workspace.yaml if neither these nor modules are named.
        module: Python modules with Dagster definitions.
        prefix: URL path prefix of the UI, such as /dagster.
    """
    configure_loggers()
    setup_interrupt_handlers()
    options = WorkspaceOpts(workspace=workspace, module_name=module)
    with get_possibly_temporary_instance_for_cli("medsearch webserver", logger=LOG) as instance:
        warn_of_exposures(settings, instance.root_directory)
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
        target = workspace_opts_to_load_target(options)
        with WorkspaceProcessContext(instance, target, __version__, is_read_only) as context:
            app = create_app_from_workspace_process_context(context, prefix, POLL_MILLISECONDS, lifespan=_quiet_end)
            LOG.info("Serving Dagster's UI on http://%s:%s%s", host, port, prefix)
            guarded = Guard(app, settings.webserver_names)
            uvicorn.run(guarded, host=host, port=port, log_level="warning", proxy_headers=False, server_header=False)
    return 0


@asynccontextmanager
async def _quiet_end(_: object) -> AsyncIterator[None]:
    with suppress(asyncio.CancelledError):  # on a forced shutdown, as dagster-webserver does
        yield
