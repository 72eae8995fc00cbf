"""The environment of `medsearch up`: the user's variables, and defaults for one machine."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from medsearch_core.machine.loopback import is_local_host
from medsearch_core.storage.open import local_folder
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT
from medsearch_pipeline.supervision.ports import LOOPBACK

STORES = ("MEDSEARCH_LANDING", "MEDSEARCH_WAREHOUSE", "MEDSEARCH_INDEX")
API_PORT, EMBEDDER_PORT = "8000", "8001"


def up_environment(
    variables: Mapping[str, str], home: Path, landing: str | None, dagster_port: int, api_port: int | None
) -> dict[str, str]:
    """All variables of the processes. The user's variables are kept; an empty one counts as not set.

    Paths of stores become absolute, so that they hold in any folder.

    Args:
        home: Folder for output that no variable places elsewhere.
        landing: Overrides MEDSEARCH_LANDING, as `api_port` overrides MEDSEARCH_API_PORT.
    """
    given = {name: value for name, value in variables.items() if value or not name.startswith("MEDSEARCH_")}
    if landing is not None:
        given["MEDSEARCH_LANDING"] = landing
    for name in STORES:
        if name in given:
            given[name] = str(local_folder(given[name]) or given[name])
    if api_port is not None:
        given["MEDSEARCH_API_PORT"] = str(api_port)
    port = given.get("MEDSEARCH_API_PORT", API_PORT)
    token = given.get("MEDSEARCH_EMBEDDER_TOKEN") or given.get("MEDSEARCH_API_EMBEDDER_TOKEN") or secrets.token_urlsafe()
    embedder_port = given.get("MEDSEARCH_EMBEDDER_PORT", EMBEDDER_PORT)
    defaults = {
        **ENVIRONMENT,
        "MEDSEARCH_WAREHOUSE": str(home / "warehouse"),
        "MEDSEARCH_INDEX": str(home / "index"),
        "MEDSEARCH_DAGSTER_URL": f"http://localhost:{dagster_port}",
        "MEDSEARCH_API_SIGN_IN": "development",
        "MEDSEARCH_API_PORT": port,
        "MEDSEARCH_API_URL": given.get("MEDSEARCH_API_PUBLIC_URL", f"http://localhost:{port}"),
        "MEDSEARCH_EMBEDDER_PORT": embedder_port,
        "MEDSEARCH_EMBEDDER_TOKEN": token,
        "MEDSEARCH_API_EMBEDDER_TOKEN": token,
        "MEDSEARCH_API_EMBEDDER_URL": f"http://{LOOPBACK}:{embedder_port}",
    }
    dagster_home = Path(given.get("DAGSTER_HOME") or home / "dagster").expanduser().absolute()
    return defaults | given | {"DAGSTER_HOME": str(dagster_home)}


def starts_embedder(embedder_url: str, embedder_port: int) -> bool:
    """Whether `up` starts the service's embedder, rather than using one that runs elsewhere."""
    address = urlsplit(embedder_url)
    return is_local_host(address.hostname or "") and address.port == embedder_port
