"""Every setting of the service, and the only place of it that reads the environment.

Each setting is an environment variable: its name in capitals with `MEDSEARCH_` in front.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.settings import Deployment


class Settings(Deployment, BaseSettings):
    """What a deployment may choose. Who may look is never a default."""

    model_config = SettingsConfigDict(env_prefix="MEDSEARCH_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    api_host: str = Field(default="127.0.0.1", description="address the service listens on")
    api_port: int = Field(default=8000, ge=1, le=65535, description="port the service listens on")
    api_max_pixels: int = Field(
        default=50_000_000, ge=1, description="largest frame that is rendered on request, and largest picture, in pixels"
    )
    api_max_object_bytes: int = Field(default=2**29, ge=1, description="largest original that is read on request, in bytes")
    api_picture_cache_bytes: int = Field(default=64 * 2**20, ge=0, description="memory for rendered pictures, in bytes")
    api_dicomweb_instances: int = Field(
        default=1_000_000, ge=1, description="most SOP instances DICOMweb's catalogue holds in memory, about 1 kB each"
    )
    api_dicomweb_refresh_seconds: float = Field(
        default=30.0, ge=0, description="how old DICOMweb's catalogue may be before a request has the warehouse listed again"
    )
    api_request_seconds: float = Field(
        default=30, gt=0, le=3600, description="how long a request may take until its answer begins; then it is 504"
    )
    api_shutdown_seconds: int = Field(
        default=30, ge=1, le=3600, description="how long requests may still take once the service was told to end"
    )
    api_sign_in: str = Field(
        default="",
        description="how users sign in; oidc: at an OpenID Connect issuer; development: not at all, and only this machine is "
        "served; empty: nobody is",
    )
    api_development_role: Literal["reader", "admin"] = Field(
        default="admin", description="role of everyone on this machine in development"
    )
    api_public_url: str = Field(
        default="",
        description="where browsers reach the service, as in https://search.example.org; the issuer sends them back there",
    )
    api_oidc_issuer: str = Field(default="", description="the issuer, exactly as its discovery document and tokens say it")
    api_oidc_client_id: str = Field(default="", description="what this service is called at the issuer")
    api_oidc_client_secret: SecretStr | None = Field(
        default=None, description="the client's secret there; empty: a public client, which PKCE alone protects"
    )
    api_oidc_audience: str = Field(
        default="",
        description="what aud of an access token must hold; empty: the client id, or client_id where there is no aud",
    )
    api_oidc_roles_claim: str = Field(
        default="", description="claim that gives roles, as in cognito:groups, realm_access.roles or scope"
    )
    api_oidc_reader_values: str = Field(
        default="medsearch-reader", description="values of that claim that make a reader, separated by commas"
    )
    api_oidc_admin_values: str = Field(
        default="medsearch-admin", description="values of that claim that make an admin, who may also see what names patients"
    )
    api_oidc_scopes: str = Field(default="openid profile", description="scopes that the page's sign-in asks for")
    api_embedder_url: str = Field(
        default="",
        description="where `medsearch embedder` answers, as in http://127.0.0.1:8001; empty: nobody can search by a file",
    )
    api_embedder_token: SecretStr = Field(
        default=SecretStr(""), description="what the embedder is told, as its own MEDSEARCH_EMBEDDER_TOKEN"
    )
    api_embedder_seconds: float = Field(default=20, gt=0, le=3600, description="how long the embedder may take over one file")
    api_upload_max_bytes: int = Field(
        default=64 * 2**20,
        ge=1,
        le=2**30,
        description="largest file that may be searched by, in bytes; four are held in memory at most",
    )
    api_introspection: bool | None = Field(
        default=None, description="whether clients may ask for the GraphQL schema itself; empty: only in development"
    )

    @field_validator("api_embedder_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None):
            raise ValueError("give http(s)://host:port, and the token by MEDSEARCH_API_EMBEDDER_TOKEN")
        return value

    @property
    def is_introspection_enabled(self) -> bool:
        """Whether clients may ask for the schema itself."""
        return self.api_sign_in == "development" if self.api_introspection is None else self.api_introspection
