"""Whether a server of this container answers: `python healthy.py PORT PATH` ends with 0 if it says 200, else with 1.

For images that hold no curl. It asks 127.0.0.1 directly, whatever proxy the environment names.
"""

import http.client
import sys

SECONDS = 4


def status(port: int, path: str) -> int | None:
    """What the server says, or nothing if it does not."""
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
