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
    api_sign_in: str = Field(
        default="",
        description="how users sign in; development: not at all, and only this machine is served; empty: nobody is",
    )
    api_introspection: bool | None = Field(
        default=None, description="whether clients may ask for the GraphQL schema itself; empty: only in development"
    )
    api_timeout_seconds: float = Field(default=30.0, gt=0, description="seconds a GraphQL answer may take")

    @property
    def introspects(self) -> bool:
        """Whether clients may ask for the schema itself."""
        return self.api_sign_in == "development" if self.api_introspection is None else self.api_introspection
