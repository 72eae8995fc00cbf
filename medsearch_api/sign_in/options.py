"""The validated settings of sign-in with OpenID Connect.

Belongs here: reading and validating settings. Not here: their use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from medsearch_api.settings import Settings
from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.loopback import is_local_host


@dataclass(frozen=True, slots=True)
class OidcOptions:
    """The issuer, this service's client registration there, and the URL at which browsers reach the service."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    audience: str
    roles_claim: str
    reader_values: frozenset[str]
    admin_values: frozenset[str]
    scopes: str
    public_url: str

    @property
    def redirect_uri(self) -> str:
        """The URL to which the issuer redirects browsers; it must be registered there."""
        return f"{self.public_url}/sign-in/callback"

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the service over TLS, so that cookies can be bound to the host."""
        return self.public_url.startswith("https:")


def read_oidc_options(settings: Settings) -> OidcOptions:
    """Read and validate the options.

    Raises:
        ConfigurationError: an option is missing, or a URL is neither https nor on this machine.
    """
    needed = {
        "MEDSEARCH_API_OIDC_ISSUER": settings.api_oidc_issuer,
        "MEDSEARCH_API_OIDC_CLIENT_ID": settings.api_oidc_client_id,
        "MEDSEARCH_API_OIDC_ROLES_CLAIM": settings.api_oidc_roles_claim,
        "MEDSEARCH_API_PUBLIC_URL": settings.api_public_url,
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise ConfigurationError(f"MEDSEARCH_API_SIGN_IN=oidc also requires {', '.join(missing)}.")
    issuer, public = urlsplit(settings.api_oidc_issuer), urlsplit(settings.api_public_url)
    if not is_secure_url(settings.api_oidc_issuer) or issuer.query or issuer.fragment:
        raise ConfigurationError(
            "MEDSEARCH_API_OIDC_ISSUER must be an https URL without query, exactly as in the issuer's tokens."
        )
    if not is_secure_url(settings.api_public_url) or public.path not in ("", "/") or public.query or public.fragment:
        raise ConfigurationError(
            "MEDSEARCH_API_PUBLIC_URL must be an https URL without path, such as https://search.example.org."
        )
    readers, admins = _split_values(settings.api_oidc_reader_values), _split_values(settings.api_oidc_admin_values)
    if not readers | admins:
        raise ConfigurationError(
            "MEDSEARCH_API_OIDC_READER_VALUES and MEDSEARCH_API_OIDC_ADMIN_VALUES are both empty, so nobody would have access. "
            "Set at least one."
        )
    if "openid" not in settings.api_oidc_scopes.split():
        raise ConfigurationError("MEDSEARCH_API_OIDC_SCOPES must include openid.")
    return OidcOptions(
        issuer=settings.api_oidc_issuer,
        client_id=settings.api_oidc_client_id,
        client_secret=settings.api_oidc_client_secret.get_secret_value() if settings.api_oidc_client_secret else "",
        audience=settings.api_oidc_audience,
        roles_claim=settings.api_oidc_roles_claim,
        reader_values=readers,
        admin_values=admins,
        scopes=settings.api_oidc_scopes,
        public_url=_origin(public),
    )


def is_secure_url(url: str) -> bool:
    """Whether traffic to a URL is protected from eavesdropping and tampering: https, or http to this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_local_host(host))


def _origin(public: SplitResult) -> str:
    """Format the URL like an Origin header: in lower case, without the scheme's default port (RFC 6454 section 6.2)."""
    own_port = ":443" if public.scheme == "https" else ":80"
    return f"{public.scheme}://{public.netloc.lower().removesuffix(own_port)}"


def _split_values(listed: str) -> frozenset[str]:
    return frozenset(value.strip() for value in listed.split(",") if value.strip())
