"""Every setting of the service, and the only place of it that reads the environment.

Each setting is an environment variable: its name in capitals with `MEDSEARCH_` in front.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.deployment import Deployment


class Settings(Deployment, BaseSettings):
    """What a deployment may choose. All but `api_sign_in` have defaults: who may look is never a default."""

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
        description="how users sign in; development: not at all, and only this machine is served; empty: nobody is",
    )
    api_introspection: bool | None = Field(
        default=None, description="whether clients may ask for the GraphQL schema itself; empty: only in development"
    )

    @property
    def introspects(self) -> bool:
        """Whether clients may ask for the schema itself."""
        return self.api_sign_in == "development" if self.api_introspection is None else self.api_introspection
