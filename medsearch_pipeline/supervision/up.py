"""`medsearch up`: the complete system on your own data, on one machine."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from rich.console import Console

from medsearch_core.errors import ConfigurationError
from medsearch_core.process.environment import load_settings
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.orchestration.dagster_home import hold_dagster_home, prepare_dagster_home
from medsearch_pipeline.readiness.run import BEFORE_START, run_checks
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.home_settings import write_home_settings
from medsearch_pipeline.supervision.places import require_places_apart
from medsearch_pipeline.supervision.ports import LOOPBACK, Port, local_url, require_ports
from medsearch_pipeline.supervision.processes import Processes, stop_on_signals
from medsearch_pipeline.supervision.run_news import RunNews
from medsearch_pipeline.supervision.servers import COMPLETE_ENVIRONMENT, start_servers
from medsearch_pipeline.supervision.up_environment import starts_embedder, up_environment


def run_up(console: Console, landing: str | None, home: Path, dagster_port: int, api_port: int | None) -> int:
    """Starts everything and serves until Ctrl-C or SIGTERM; returns 0.

    Raises:
        ConfigurationError: a setting is wrong, a folder is inside another, a port is taken, or a check finds a problem.
        ProcessEnded: one of the processes ended; the others are stopped.
    """
    is_without_sign_in = not os.environ.get("MEDSEARCH_API_SIGN_IN")
    home, given = home.expanduser().absolute(), dict(os.environ)
    environment = up_environment(given, home, landing, dagster_port, api_port)
    os.environ.update(environment)
    settings = load_settings(Settings)
    api_host, api_port = environment.get("MEDSEARCH_API_HOST", LOOPBACK), _port(environment["MEDSEARCH_API_PORT"])
    dagster_home, logs = Path(environment["DAGSTER_HOME"]), home / "logs"
    has_embedder = starts_embedder(environment["MEDSEARCH_API_EMBEDDER_URL"], settings.embedder_port)
    stop_on_signals()
    try:
        require_places_apart(settings, [home, dagster_home, logs])
        require_readiness(console, settings, environment, ["landing"])
        ports = [
            Port("Dagster", LOOPBACK, dagster_port, "--dagster-port"),
            Port("the page", api_host, api_port, "--api-port (MEDSEARCH_API_PORT)"),
            Port("the embedder", settings.embedder_host, settings.embedder_port, "MEDSEARCH_EMBEDDER_PORT"),
        ]
        require_ports(ports if has_embedder else ports[:-1])
        require_readiness(console, settings, environment, [name for name in BEFORE_START if name != "landing"])
        prepare_dagster_home(dagster_home)
        with ExitStack() as running:
            running.enter_context(hold_dagster_home(dagster_home))
            write_home_settings(home, environment, given)
            processes = running.enter_context(Processes(logs, {**environment, **COMPLETE_ENVIRONMENT}))
            embedder_url = local_url(settings.embedder_host, settings.embedder_port) if has_embedder else None
            with console.status("Starting Dagster, the service and its embedder …"):
                start_servers(processes, dagster_home, dagster_port, local_url(api_host, api_port), embedder_url)
            _print_addresses(console, settings, environment, logs)
            if is_without_sign_in:
                console.print("Sign-in is off (MEDSEARCH_API_SIGN_IN=development), so only this machine is served.")
            if settings.sensors == "stopped":
                console.print("Sensors and schedules are stopped (MEDSEARCH_SENSORS): start them in Dagster's UI.")
            else:
                console.print(f"A study is ingested once it has not changed for {settings.settle_seconds} s.")
            console.print("Ctrl-C stops everything.")
            news = RunNews(running.enter_context(dg.DagsterInstance.get()), datetime.now(UTC))

            def print_news() -> None:
                for line in news.lines():
                    print_line(console, line)

            processes.watch(print_news)
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 0


def require_readiness(
    console: Console, settings: Settings, environment: Mapping[str, str], names: Collection[str] = BEFORE_START
) -> None:
    """Returns if none of the named checks finds a problem, and prints warnings.

    Raises:
        ConfigurationError: a check found a problem; one line for each.
    """
    with console.status("Checking …") as status:
        findings = run_checks(settings, environment, names, lambda name: status.update(f"Checking {name} …"))
    for finding in findings:
        if finding.level == "warning":
            print_line(console, f"Warning: {finding.sentence}")
    if problems := [finding.sentence for finding in findings if finding.level == "problem"]:
        raise ConfigurationError("\n".join(problems))


def _port(text: str) -> int:
    if not text.isdecimal():
        raise ConfigurationError(f"MEDSEARCH_API_PORT={text}: give a whole number")
    return int(text)


def _print_addresses(console: Console, settings: Settings, environment: Mapping[str, str], logs: Path) -> None:
    rows = {
        "Page": environment["MEDSEARCH_API_URL"],
        "GraphQL": f"{environment['MEDSEARCH_API_URL']}/graphql",
        "Dagster": environment["MEDSEARCH_DAGSTER_URL"],
        "Landing": settings.landing,
        "Warehouse": settings.warehouse,
        "Index": settings.index,
        "Logs": str(logs),
    }
    for name, address in rows.items():
        print_line(console, f"{name:<10} {address}")
