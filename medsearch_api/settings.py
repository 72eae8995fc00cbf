"""All settings of the service. No other module of it reads the environment.

Each setting is an environment variable: its name in capitals, prefixed with `MEDSEARCH_`.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.settings import Deployment


class Settings(Deployment, BaseSettings):
    """What a deployment can configure. Who has access is never a default."""

    model_config = SettingsConfigDict(env_prefix="MEDSEARCH_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    api_host: str = Field(default="127.0.0.1", description="address the service listens on")
    api_port: int = Field(default=8000, ge=1, le=65535, description="port the service listens on")
    api_workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="worker processes; 0 means one per CPU, as far as memory suffices: about 0.2 GiB for each but the first",
    )
    api_searches: int = Field(
        default=16,
        ge=1,
        le=1024,
        description="searches (GraphQL and DICOMweb) that each worker process answers at once; others wait",
    )
    api_queue_seconds: float = Field(
        default=5,
        ge=0,
        le=3600,
        description="seconds that a search may wait until it begins; one that would wait longer gets 503 at once",
    )
    api_max_pixels: int = Field(
        default=50_000_000, ge=1, description="largest frame rendered on request, and largest rendering, in pixels"
    )
    api_max_object_bytes: int = Field(default=2**29, ge=1, description="largest original read on request, in bytes")
    api_decode_workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="processes that decode at once, of which one user has all but one; 0 means one more than CPUs",
    )
    api_decode_memory_gib: float = Field(
        default=1.25,
        ge=0.125,
        description="memory of all decoding processes together, in GiB; the service itself needs about 0.6 more",
    )
    api_decode_seconds: int = Field(default=20, ge=1, description="CPU seconds allowed for decoding one image on request")
    api_decode_queue: int = Field(default=64, ge=0, description="requests that may wait for decoding; others get 503")
    api_decodes_per_user: int = Field(
        default=24, ge=1, description="requests of one user that may be decoding or waiting for it; others get 429"
    )
    api_picture_cache_bytes: int = Field(
        default=64 * 2**20, ge=0, description="size of the in-memory cache of rendered images, in bytes"
    )
    api_dicomweb_instances: int = Field(
        default=1_000_000, ge=1, description="maximum SOP instances in DICOMweb's in-memory UID index, about 1 kB each"
    )
    api_dicomweb_refresh_seconds: float = Field(
        default=30.0, ge=0, description="seconds until DICOMweb's UID index is checked against the warehouse again"
    )
    api_request_seconds: float = Field(
        default=30, gt=0, le=3600, description="seconds until a response must start; later ones fail with 504"
    )
    api_shutdown_seconds: int = Field(
        default=30, ge=1, le=3600, description="seconds that requests in progress get to finish on shutdown"
    )
    api_sign_in: str = Field(
        default="",
        description="how users sign in: oidc (OpenID Connect issuer) or development (no sign-in, this machine only); if empty, "
        "the service refuses to start",
    )
    api_development_role: Literal["reader", "admin"] = Field(
        default="admin", description="role of every user in development mode"
    )
    api_public_url: str = Field(
        default="",
        description="URL at which browsers reach the service, such as https://search.example.org; the issuer redirects to it",
    )
    api_oidc_issuer: str = Field(default="", description="issuer URL, exactly as in its discovery document and tokens")
    api_oidc_client_id: str = Field(default="", description="client ID of this service at the issuer")
    api_oidc_client_secret: SecretStr | None = Field(
        default=None, description="client secret; empty for a public client, which only PKCE protects"
    )
    api_oidc_audience: str = Field(
        default="",
        description="required audience (aud) of access tokens; if empty, the client ID, in aud or else in client_id",
    )
    api_oidc_roles_claim: str = Field(
        default="", description="claim that contains the roles, such as cognito:groups, realm_access.roles or scope"
    )
    api_oidc_reader_values: str = Field(
        default="medsearch-reader", description="values of that claim that grant the reader role, separated by commas"
    )
    api_oidc_admin_values: str = Field(
        default="medsearch-admin",
        description="values of that claim that grant the admin role, which also shows patient identifiers",
    )
    api_oidc_scopes: str = Field(default="openid profile", description="scopes requested when the page signs in")
    api_embedder_url: str = Field(
        default="",
        description="URL of `medsearch embedder`, such as http://127.0.0.1:8001; if empty, search by file is disabled",
    )
    api_embedder_token: SecretStr = Field(
        default=SecretStr(""), description="shared token sent to the embedder; must equal its MEDSEARCH_EMBEDDER_TOKEN"
    )
    api_embedder_seconds: float = Field(default=20, gt=0, le=3600, description="seconds allowed for embedding one file")
    api_upload_max_bytes: int = Field(
        default=64 * 2**20,
        ge=1,
        le=2**30,
        description="largest file accepted for search by file, in bytes; at most four are in memory at a time",
    )
    api_introspection: bool | None = Field(
        default=None, description="whether GraphQL introspection is allowed; if empty, only in development mode"
    )

    @field_validator("api_embedder_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None):
            raise ValueError("must be http(s)://host:port; set the token with MEDSEARCH_API_EMBEDDER_TOKEN")
        return value

    @property
    def is_introspection_enabled(self) -> bool:
        """Whether clients may query the schema itself."""
        return self.api_sign_in == "development" if self.api_introspection is None else self.api_introspection
