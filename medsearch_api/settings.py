"""Every setting of the service, and the only place of it that reads the environment.

Each setting is an environment variable: its name in capitals with `MEDSEARCH_` in front.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.storage.object_store import S3Options


class Settings(BaseSettings):
    """What a deployment may choose. All but `api_sign_in` have defaults: who may look is never a default."""

    model_config = SettingsConfigDict(env_prefix="MEDSEARCH_", frozen=True, env_ignore_empty=True)

    warehouse: str = Field(
        default=".medsearch/warehouse", description="where assets are written: a folder, or s3://bucket/prefix"
    )
    index: str = Field(default=".medsearch/index", description="folder of the embedded search index")
    s3_endpoint: str | None = Field(default=None, description="address of an S3-compatible service; empty means AWS")
    s3_region: str | None = Field(default=None, description="region of the buckets")
    api_host: str = Field(default="127.0.0.1", description="address the service listens on")
    api_port: int = Field(default=8000, ge=1, le=65535, description="port the service listens on")
    api_sign_in: str = Field(
        default="",
        description="how users sign in; development: not at all, and only this machine is served; empty: nobody is",
    )

    @field_validator("warehouse", "index")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return value if "://" in value else str(Path(value).expanduser().absolute())

    @property
    def s3(self) -> S3Options:
        """How to reach S3."""
        return S3Options(endpoint=self.s3_endpoint, region=self.s3_region)
