"""Free ports of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Port:
    """Where a server is to listen.

    Attributes:
        server: The server, in a word or two.
        option: The argument or setting of the port.
    """

    server: str
    host: str
    number: int
    option: str


def require_ports(ports: Iterable[Port]) -> None:
    """Returns if a server can listen on each of them.

    Raises:
        ConfigurationError: a port cannot be used; one line for each that cannot.
    """
    if busy := [line for port in ports if (line := _fault(port))]:
        raise ConfigurationError("\n".join(busy))


def _fault(port: Port) -> str | None:
    """Why a server cannot listen there, and what to do; None if it can."""
    host, number = port.host, port.number
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            where = f"port {number} of {host} for {port.server} cannot be used ({error.strerror})"
            return f"{where}: stop what uses it, or give another {port.option}"
    return None


def local_url(host: str, port: int) -> str:
    """The URL by which this machine reaches a server that listens on a host or on all addresses."""
    host = _ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
