"""The search service's sign-in and embedder, by environment variables: the pipeline does not import the service."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from medsearch_core.machine.loopback import is_local_host
from medsearch_core.process.environment import without_password
from medsearch_pipeline.readiness.finding import Finding

SECONDS = 5.0
SIGN_IN, HOST = "MEDSEARCH_API_SIGN_IN", "MEDSEARCH_API_HOST"
ISSUER, EMBEDDER = "MEDSEARCH_API_OIDC_ISSUER", "MEDSEARCH_API_EMBEDDER_URL"
NEEDED_BY_OIDC = (ISSUER, "MEDSEARCH_API_OIDC_CLIENT_ID", "MEDSEARCH_API_OIDC_ROLES_CLAIM", "MEDSEARCH_API_PUBLIC_URL")


def check_sign_in(environment: Mapping[str, str]) -> Finding:
    """Whether the service would start, and whether its issuer responds."""
    mode, host = environment.get(SIGN_IN, ""), environment.get(HOST) or "127.0.0.1"
    if mode == "development" and is_local_host(host):
        return Finding(check="sign-in", level="ok", message="off; only this machine is served", setting=SIGN_IN, value=mode)
    if mode == "development":
        return Finding(
            check="sign-in",
            level="problem",
            message=f"without sign-in the service must listen only on this machine, but {HOST} is {host}",
            setting=HOST,
            value=host,
            advice=f"set {HOST}=127.0.0.1, or {SIGN_IN}=oidc",
        )
    if mode != "oidc":
        return Finding(
            check="sign-in",
            level="problem" if mode else "warning",
            message="not configured, so medsearch-api would not start; the pipeline runs without it",
            setting=SIGN_IN,
            value=mode,
            advice=f"set {SIGN_IN}=oidc and an issuer, or {SIGN_IN}=development on one machine (README)",
        )
    missing = [name for name in NEEDED_BY_OIDC if not environment.get(name)]
    if missing:
        return Finding(
            check="sign-in",
            level="problem",
            message=f"{', '.join(missing)} not set",
            setting=SIGN_IN,
            value=mode,
            advice="set what is missing (docs/adr/0007-sign-in.md)",
        )
    return _issuer_finding(environment[ISSUER])


def _issuer_finding(issuer: str) -> Finding:
    address, shown = f"{issuer.rstrip('/')}/.well-known/openid-configuration", without_password(issuer)
    try:
        answer = httpx.get(address, timeout=SECONDS, follow_redirects=False)
        named = answer.json().get("issuer") if answer.is_success else None
        fault = None if answer.is_success else f"{shown} answers {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError) as error:
        named, fault = None, f"{shown} does not return its discovery document ({type(error).__name__})"
    if fault is None and named != issuer:
        fault = f"the discovery document of {shown} names another issuer"
    if fault is None:
        return Finding(check="sign-in", level="ok", message="the issuer responds", setting=ISSUER, value=shown)
    return Finding(
        check="sign-in",
        level="problem",
        message=fault,
        setting=ISSUER,
        value=shown,
        advice="give the issuer exactly as its discovery document and tokens name it, and let this machine reach it",
    )


def check_embedder(environment: Mapping[str, str]) -> Finding:
    """Whether the embedder for search by file responds, and accepts the service's token."""
    url = environment.get(EMBEDDER, "")
    if not url:
        return Finding(
            check="embedder",
            level="ok",
            message="not configured, so search by file is not available",
            setting=EMBEDDER,
            value="",
        )
    shown = without_password(url)
    if urlsplit(url).scheme not in ("http", "https"):
        return Finding(
            check="embedder",
            level="problem",
            message="is not an http(s) URL",
            setting=EMBEDDER,
            value=shown,
            advice="give http(s)://host:port",
        )
    token = environment.get("MEDSEARCH_API_EMBEDDER_TOKEN", "")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.get(f"{url.rstrip('/')}/model", headers=headers, timeout=SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(
            check="embedder",
            level="warning",
            message=f"does not respond ({type(error).__name__}), so search by file fails",
            setting=EMBEDDER,
            value=shown,
            advice="start medsearch embedder, or medsearch up, which starts it too",
        )
    if answer.status_code == 401:
        return Finding(
            check="embedder",
            level="problem",
            message="rejects the service's token",
            setting="MEDSEARCH_API_EMBEDDER_TOKEN",
            advice="give MEDSEARCH_EMBEDDER_TOKEN and MEDSEARCH_API_EMBEDDER_TOKEN the same secret",
        )
    if not answer.is_success:
        return Finding(
            check="embedder",
            level="warning",
            message=f"answers {answer.status_code}",
            setting=EMBEDDER,
            value=shown,
            advice="see the embedder's log",
        )
    return Finding(check="embedder", level="ok", message="answers", setting=EMBEDDER, value=shown)
