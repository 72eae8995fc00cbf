"""Whether an address is this machine's own: what may go without sign-in, a token or TLS is decided by it."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own; a name is not."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_local_host(host: str) -> bool:
    """Whether only this machine can reach what listens there: on loopback, or on `localhost`."""
    return host == "localhost" or is_loopback(host)
