"""Processes that are started, watched and stopped, with real ones."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.orchestration.dagster_home import DAGSTER_YAML, hold_dagster_home, prepare_dagster_home, stopped_at
from medsearch_pipeline.supervision.ports import Port, free_port, local_url, require_ports
from medsearch_pipeline.supervision.processes import ProcessEnded, Processes

SERVE = "import time; print('up', flush=True); time.sleep(3600)"
DEAF = "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
PARENT = DEAF + f"subprocess.Popen([sys.executable, '-c', {SERVE!r}]); " + SERVE
FAIL = "print('loading'); print('MEDSEARCH_MODEL=x: no such model\\n'); raise SystemExit(3)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def running(code: str) -> list[psutil.Process]:
    """The children of this process that run the code; what else tests have started may end meanwhile."""
    return [
        child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE and code in child.cmdline()
    ]


def test_one_that_ends_is_named_with_its_status_last_line_and_log_and_the_others_are_stopped(tmp_path: Path) -> None:
    with Processes(tmp_path / "logs", os.environ) as processes:
        processes.start("webserver", python(SERVE))
        (webserver,) = running(SERVE)
        processes.start("daemon", python(FAIL))
        with pytest.raises(ProcessEnded) as ended:
            processes.watch()
    log = tmp_path / "logs" / "daemon.log"
    assert str(ended.value) == f"daemon ended with status 3 (MEDSEARCH_MODEL=x: no such model): see {log}"
    assert not webserver.is_running()


def test_one_that_a_signal_ended_says_which(tmp_path: Path) -> None:
    with Processes(tmp_path, os.environ) as processes:
        processes.start("daemon", python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
        with pytest.raises(ProcessEnded, match="daemon was ended by SIGKILL"):
            processes.wait_until("daemon", lambda: False)


def test_nothing_is_left_that_ignores_being_told_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medsearch_pipeline.supervision.processes.STOP_SECONDS", 0.5)
    with Processes(tmp_path, os.environ) as processes:
        processes.start("parent", python(PARENT))
        processes.wait_until("parent", lambda: (tmp_path / "parent.log").read_text().count("up") == 2)
        (parent,) = running(PARENT)
        family = [parent, *parent.children()]
        assert len(family) == 2
    _, alive = psutil.wait_procs(family, timeout=300)
    assert alive == []


def test_all_ports_that_are_taken_are_named_each_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
        page, embedder, free = (
            Port("the page", "127.0.0.1", port, "--api-port"),
            Port("the embedder", "127.0.0.1", port, "MEDSEARCH_EMBEDDER_PORT"),
            Port("Dagster", "127.0.0.1", free_port(port), "--dagster-port"),
        )
        with pytest.raises(ConfigurationError) as refusal:
            require_ports([page, free, embedder])
        lines = str(refusal.value).splitlines()
        assert [(str(port) in line, line.split()[-1]) for line in lines] == [(True, each.option) for each in (page, embedder)]
    require_ports([page, embedder])


def test_a_server_on_all_addresses_is_reached_on_loopback() -> None:
    assert [local_url(host, 80) for host in ("0.0.0.0", "::", "::1", "10.0.0.5")] == [
        "http://127.0.0.1:80",
        "http://[::1]:80",
        "http://[::1]:80",
        "http://10.0.0.5:80",
    ]


def test_a_dagster_home_keeps_its_own_configuration(tmp_path: Path) -> None:
    file = tmp_path / "home" / "dagster.yaml"
    prepare_dagster_home(file.parent)
    assert file.read_bytes() == DAGSTER_YAML.read_bytes()
    file.write_text("telemetry: { enabled: false }")
    prepare_dagster_home(file.parent)
    assert file.read_text() == "telemetry: { enabled: false }"
    prepare_dagster_home(file.parent, is_kept=False)
    assert file.read_bytes() == DAGSTER_YAML.read_bytes()


def test_a_dagster_home_has_one_supervisor(tmp_path: Path) -> None:
    assert stopped_at(tmp_path) is None
    with hold_dagster_home(tmp_path), pytest.raises(ConfigurationError, match="--home"), hold_dagster_home(tmp_path):
        pass
    with hold_dagster_home(tmp_path):
        assert stopped_at(tmp_path) is None
        held = time.time()
    assert held - 1 <= (stopped_at(tmp_path) or 0) <= time.time() + 1
