"""What the settings say of sign-in by OpenID Connect, checked.

Belongs here: reading and refusing settings. Not here: what they lead to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from medsearch_api.settings import Settings
from medsearch_core.errors import ConfigurationError
from medsearch_core.loopback import is_local_host


@dataclass(frozen=True, slots=True)
class OidcOptions:
    """Whom to believe, as what this service is known there, and where browsers reach it."""

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
        """Where the issuer sends browsers back to; to be registered there."""
        return f"{self.public_url}/sign-in/callback"

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the service over TLS, so that cookies can be bound to it."""
        return self.public_url.startswith("https:")


def read_oidc_options(settings: Settings) -> OidcOptions:
    """The checked options.

    Raises:
        ConfigurationError: one is missing, or an address is neither https nor of this machine.
    """
    needed = {
        "MEDSEARCH_API_OIDC_ISSUER": settings.api_oidc_issuer,
        "MEDSEARCH_API_OIDC_CLIENT_ID": settings.api_oidc_client_id,
        "MEDSEARCH_API_OIDC_ROLES_CLAIM": settings.api_oidc_roles_claim,
        "MEDSEARCH_API_PUBLIC_URL": settings.api_public_url,
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise ConfigurationError(f"MEDSEARCH_API_SIGN_IN=oidc also needs {', '.join(missing)}.")
    issuer, public = urlsplit(settings.api_oidc_issuer), urlsplit(settings.api_public_url)
    if not is_secure_url(settings.api_oidc_issuer) or issuer.query or issuer.fragment:
        raise ConfigurationError(
            "MEDSEARCH_API_OIDC_ISSUER must be an https address without query, exactly as its tokens say it."
        )
    if not is_secure_url(settings.api_public_url) or public.path not in ("", "/") or public.query or public.fragment:
        raise ConfigurationError(
            "MEDSEARCH_API_PUBLIC_URL must be an https address without path, as in https://search.example.org."
        )
    readers, admins = _split_values(settings.api_oidc_reader_values), _split_values(settings.api_oidc_admin_values)
    if not readers | admins:
        raise ConfigurationError("MEDSEARCH_API_OIDC_READER_VALUES and _ADMIN_VALUES are both empty: nobody could be let in.")
    if "openid" not in settings.api_oidc_scopes.split():
        raise ConfigurationError("MEDSEARCH_API_OIDC_SCOPES must hold openid.")
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
    """Whether nobody between can read or change what is sent there: https, or http to this machine itself."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_local_host(host))


def _origin(public: SplitResult) -> str:
    """The address as an Origin header has it: in lower case, without the scheme's own port (RFC 6454 section 6.2)."""
    own_port = ":443" if public.scheme == "https" else ":80"
    return f"{public.scheme}://{public.netloc.lower().removesuffix(own_port)}"


def _split_values(listed: str) -> frozenset[str]:
    return frozenset(value.strip() for value in listed.split(",") if value.strip())
