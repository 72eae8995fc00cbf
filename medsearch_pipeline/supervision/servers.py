"""The processes of a complete system: code server, webserver, daemon, service and embedder."""

from __future__ import annotations

import sys
from pathlib import Path

from medsearch_pipeline.orchestration.code_server import CodeServer
from medsearch_pipeline.supervision.dagster_client import DagsterClient
from medsearch_pipeline.supervision.ports import LOOPBACK
from medsearch_pipeline.supervision.processes import Processes, answers

COMPLETE_ENVIRONMENT = {"PYTHON_DOTENV_DISABLED": "1"}
"""For processes that get all variables from their supervisor, which has read `.env` or another file."""


def start_servers(processes: Processes, home: Path, dagster_port: int, api_url: str, embedder_url: str | None) -> DagsterClient:
    """Starts everything, and returns when everything responds.

    Args:
        home: DAGSTER_HOME.
        api_url: Where the service listens.
        embedder_url: Where the embedder listens; None starts no embedder.

    Raises:
        MedsearchError: a process ended, or was not ready in time. The message names it and its log.
    """
    programs = Path(sys.executable).parent
    medsearch = str(programs / "medsearch")
    code_server = CodeServer(home)
    workspace = ["-w", str(code_server.write_workspace())]
    processes.start("code-server", code_server.command)
    if embedder_url:
        processes.start("embedder", [medsearch, "embedder"])
    processes.start("service", [str(programs / "medsearch-api")])
    processes.wait_until("code-server", code_server.is_ready)
    processes.start("dagster-webserver", [medsearch, "webserver", "-p", str(dagster_port), *workspace])
    dagster = DagsterClient(f"http://{LOOPBACK}:{dagster_port}")
    processes.wait_until("service", lambda: answers(f"{api_url}/readyz"))
    processes.wait_until("dagster-webserver", dagster.is_ready)
    if embedder_url:
        processes.wait_until("embedder", lambda: answers(f"{embedder_url}/healthz"))
    processes.start("dagster-daemon", [sys.executable, "-m", "dagster._daemon", "run", *workspace])
    return dagster
