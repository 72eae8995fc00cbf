"""The code server: where it listens, what names it, and that it answers until it is told to end."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths

from medsearch_pipeline.orchestration.code_server import CodeServer
from tests.support.waiting import wait_until


def test_its_socket_is_below_its_home_in_a_folder_that_only_its_user_can_enter(tmp_path: Path) -> None:
    socket = CodeServer(tmp_path).socket
    assert socket.is_relative_to(tmp_path)
    assert socket.parent.stat().st_mode & 0o777 == 0o700


def test_a_home_whose_path_is_too_long_for_a_socket_has_one_elsewhere(tmp_path: Path) -> None:
    first, second = tmp_path / ("a" * 120), tmp_path / ("b" * 120)
    sockets = {CodeServer(home).socket for home in (first, first, second)}
    assert len(sockets) == 2
    for socket in sockets:
        assert len(os.fsencode(socket)) < 107
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        socket.parent.rmdir()


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "code-server"
    folder.mkdir()
    folder.chmod(0o755)  # whatever the umask
    with pytest.raises(PermissionError):
        _ = CodeServer(tmp_path).socket


def test_its_workspace_names_it_to_dagster(tmp_path: Path) -> None:
    server = CodeServer(tmp_path)
    (origin,) = location_origins_from_yaml_paths([str(server.write_workspace())])
    assert isinstance(origin, GrpcServerCodeLocationOrigin)
    assert (origin.location_name, origin.socket, origin.port) == ("medsearch", str(server.socket), None)


def test_it_answers_once_the_definitions_are_loaded_and_ends_when_told_to(tmp_path: Path) -> None:
    server = CodeServer(tmp_path)
    stores = {f"MEDSEARCH_{name}": str(tmp_path / name) for name in ("LANDING", "WAREHOUSE", "INDEX")}
    assert not server.is_ready()
    process = subprocess.Popen(server.command, env=os.environ | stores, stderr=subprocess.DEVNULL)
    wait_until("the code server answers", lambda: server.is_ready() or process.poll() is not None, 300, every=0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(300) == 0
    assert not server.is_ready()


def test_it_ends_at_once_where_the_definitions_cannot_be_loaded(tmp_path: Path) -> None:
    environment = os.environ | {"MEDSEARCH_MODEL": "no-such-model"}
    ended = subprocess.run(CodeServer(tmp_path).command, env=environment, capture_output=True, timeout=300, check=False)
    assert ended.returncode == 1
    assert b"no-such-model" in ended.stderr
