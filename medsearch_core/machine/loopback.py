"""Whether an address is local to this machine. Decides what may do without sign-in, a token or TLS."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(address: str) -> bool:
    """Whether a host is a loopback IP address; names are not."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_local_host(host: str) -> bool:
    """Whether only this machine can reach what listens there: on loopback, or on `localhost`."""
    return host == "localhost" or is_loopback(host)
