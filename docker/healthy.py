"""Checks a server in this container: `python healthy.py PORT PATH` exits with 0 if it returns 200, else with 1.

For images without curl. Connects to 127.0.0.1 directly, ignoring any proxy in the environment.
"""

import http.client
import sys

SECONDS = 4


def status(port: int, path: str) -> int | None:
    """The server's status, or None if it does not respond."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(status(int(sys.argv[1]), sys.argv[2]) != 200)
