"""Settings shared by the pipeline and the service: locations of inputs, outputs and the search index.

Belongs here: their names, defaults and descriptions. Not here: reading the environment, which each side's `settings` do.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from medsearch_core.search.opensearch.options import Access, Compression, Engine, IndexLayout, SpaceType
from medsearch_core.storage.object_store import S3Options

UMASK, UMASK_PATTERN = "077", "^0?[0-7]{3}$"


class Deployment(BaseModel):
    """The locations that the pipeline reads and writes, and the service reads."""

    landing: str = Field(
        default=".medsearch/landing", description="landing store, where new objects arrive: a folder or s3://bucket/prefix"
    )
    follow_links: bool = Field(
        default=False,
        description="whether symbolic links in a landing folder are read if they lead to a file in the same folder; links that "
        "lead out of it never are",
    )
    warehouse: str = Field(
        default=".medsearch/warehouse", description="warehouse, where assets are written: a folder or s3://bucket/prefix"
    )
    index: str = Field(
        default=".medsearch/index",
        description="search index: a folder (embedded index) or http(s)://host:port (OpenSearch)",
    )
    index_name: str = Field(
        default="medsearch",
        pattern="^[a-z][a-z0-9_]{0,39}$",
        description="prefix of OpenSearch indexes and aliases, as in medsearch-images and medsearch-reports",
    )
    index_user: str | None = Field(default=None, description="OpenSearch user")
    index_password: SecretStr | None = Field(default=None, description="password of the OpenSearch user")
    index_ca: str | None = Field(
        default=None, description="PEM file of the CA that signed OpenSearch's certificate; if empty, the system's CAs"
    )
    index_aws_region: str | None = Field(
        default=None,
        description="region of an Amazon OpenSearch Service domain; if set, requests are signed with AWS credentials",
    )
    index_engine: Engine = Field(default="lucene", description="OpenSearch k-NN engine: lucene or faiss")
    index_space_type: SpaceType = Field(
        default="innerproduct", description="OpenSearch space type for the unit vectors: innerproduct, cosinesimil or l2"
    )
    index_m: int = Field(default=16, ge=2, le=100, description="HNSW: neighbors per vector in the graph")
    index_ef_construction: int = Field(default=128, ge=8, le=2048, description="HNSW: candidates considered when building")
    index_ef_search: int = Field(default=128, ge=8, le=10_000, description="HNSW: candidates considered when searching")
    index_compression: Compression = Field(
        default="none", description="vector compression in OpenSearch: none, fp16 (faiss only) or on_disk (1/32 of the memory)"
    )
    index_shards: int = Field(default=1, ge=1, le=1024, description="primary shards of each OpenSearch index")
    index_replicas: int = Field(default=1, ge=0, le=10, description="replicas of each primary shard")
    s3_endpoint: str | None = Field(default=None, description="URL of an S3-compatible service; if empty, AWS")
    s3_region: str | None = Field(default=None, description="region of the buckets")
    umask: str = Field(
        default=UMASK,
        pattern=UMASK_PATTERN,
        description="octal umask of new files and folders: 077 keeps them to the user who runs this, 027 lets the user's "
        "group read them",
    )

    @field_validator("landing", "warehouse")
    @classmethod
    def _folder_or_bucket(cls, value: str) -> str:
        return located(value, ("file", "s3"), "must be a folder or s3://bucket/prefix")

    @field_validator("index")
    @classmethod
    def _folder_or_cluster(cls, value: str) -> str:
        located_at, advice = urlsplit(value), "must be a folder or http(s)://host:port"
        if "@" in located_at.netloc:
            raise ValueError("must not contain credentials: set MEDSEARCH_INDEX_USER and MEDSEARCH_INDEX_PASSWORD")
        if located_at.scheme in ("http", "https") and not (located_at.hostname and _is_port(located_at.netloc)):
            raise ValueError(advice)
        return located(value, ("http", "https"), advice)

    @field_validator("index_compression")
    @classmethod
    def _of_the_engine(cls, value: Compression, info: ValidationInfo) -> Compression:
        if value == "fp16" and info.data.get("index_engine") != "faiss":
            raise ValueError("fp16 requires MEDSEARCH_INDEX_ENGINE=faiss")
        return value

    @property
    def s3(self) -> S3Options:
        """How to reach S3."""
        return S3Options(endpoint=self.s3_endpoint, region=self.s3_region)

    @property
    def index_access(self) -> Access:
        """How to reach OpenSearch."""
        return Access(
            url=self.index,
            user=self.index_user,
            password=self.index_password.get_secret_value() if self.index_password else None,
            ca=self.index_ca,
            aws_region=self.index_aws_region,
        )

    @property
    def index_layout(self) -> IndexLayout:
        """How OpenSearch indexes are created."""
        names = ("engine", "space_type", "m", "ef_construction", "ef_search", "compression", "shards", "replicas")
        return IndexLayout(**{name: getattr(self, f"index_{name}") for name in names})


def _is_port(netloc: str) -> bool:
    """Whether the URL has no port or a valid one."""
    _, colon, port = netloc.rpartition("]")[2].partition(":")
    return not colon or (port.isdecimal() and 0 < int(port) < 65536)


def located(value: str, schemes: tuple[str, ...], advice: str) -> str:
    """Return a URL with one of the schemes unchanged, and a folder as an absolute path.

    Raises:
        ValueError: the URL has another scheme; the message is the advice.
    """
    scheme, separator, _ = value.partition("://")
    if not separator:
        return str(Path(value).expanduser().absolute())
    if scheme not in schemes:
        raise ValueError(advice)
    return value
