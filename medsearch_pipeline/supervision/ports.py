"""Free ports of this machine."""

from __future__ import annotations

import socket

from medsearch_core.errors import ConfigurationError, MedsearchError

LOOPBACK = "127.0.0.1"
_ANY_ADDRESS = {"": LOOPBACK, "0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - nothing listens here


def free_port(preferred: int) -> int:
    """The preferred loopback port, or any other if that one is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise MedsearchError(f"no free port on {LOOPBACK}")


def require_port(host: str, port: int, advice: str) -> None:
    """Returns if a server can listen there.

    Raises:
        ConfigurationError: no server can listen there. The message names the port and ends with the advice.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(f"port {port} of {host} cannot be used ({error.strerror}): {advice}") from error


def local_url(host: str, port: int) -> str:
    """The URL by which this machine reaches a server that listens on a host or on all addresses."""
    host = _ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
