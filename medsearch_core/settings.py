"""The settings that the pipeline and the service share: where inputs, outputs and the search index are.

Belongs here: their names, defaults and meaning, written once. Not here: reading the environment, which each side's `settings`
does.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from medsearch_core.search.opensearch.options import Access, Compression, Engine, IndexLayout, SpaceType
from medsearch_core.storage.object_store import S3Options

UMASK, UMASK_PATTERN = "077", "^0?[0-7]{3}$"


class Deployment(BaseModel):
    """Where the pipeline reads and writes, and the service reads."""

    landing: str = Field(default=".medsearch/landing", description="where objects land: a folder, or s3://bucket/prefix")
    follow_links: bool = Field(
        default=False,
        description="whether a link in a landing folder is read as the file it leads to, if that is in the same folder; links "
        "out of it never are",
    )
    warehouse: str = Field(
        default=".medsearch/warehouse", description="where assets are written: a folder, or s3://bucket/prefix"
    )
    index: str = Field(
        default=".medsearch/index",
        description="the search index: a folder for the embedded one, or http(s)://host:port of OpenSearch",
    )
    index_name: str = Field(
        default="medsearch",
        pattern="^[a-z][a-z0-9_]{0,39}$",
        description="what OpenSearch's indexes and aliases begin with, as in medsearch-images and medsearch-reports",
    )
    index_user: str | None = Field(default=None, description="OpenSearch user")
    index_password: SecretStr | None = Field(default=None, description="OpenSearch user's password")
    index_ca: str | None = Field(
        default=None, description="PEM file of the authority behind OpenSearch's certificate; empty means the usual ones"
    )
    index_aws_region: str | None = Field(
        default=None, description="region of an Amazon OpenSearch Service domain: requests are signed with AWS credentials"
    )
    index_engine: Engine = Field(default="lucene", description="OpenSearch k-NN engine: lucene or faiss")
    index_space_type: SpaceType = Field(
        default="innerproduct", description="OpenSearch space type: innerproduct, cosinesimil or l2, of vectors of length 1"
    )
    index_m: int = Field(default=16, ge=2, le=100, description="HNSW: neighbours of a vector in the graph")
    index_ef_construction: int = Field(default=128, ge=8, le=2048, description="HNSW: candidates looked at when building")
    index_ef_search: int = Field(default=128, ge=8, le=10_000, description="HNSW: candidates looked at when searching")
    index_compression: Compression = Field(
        default="none", description="vectors in OpenSearch: none, fp16 (faiss) or on_disk (32 times less memory)"
    )
    index_shards: int = Field(default=1, ge=1, le=1024, description="primary shards of each OpenSearch index")
    index_replicas: int = Field(default=1, ge=0, le=10, description="copies of each shard beside the primary")
    s3_endpoint: str | None = Field(default=None, description="address of an S3-compatible service; empty means AWS")
    s3_region: str | None = Field(default=None, description="region of the buckets")
    umask: str = Field(
        default=UMASK,
        pattern=UMASK_PATTERN,
        description="permissions, in octal, that new files and folders lack: 077 keeps them to the user who runs this, "
        "027 lets that user's group read them",
    )

    @field_validator("landing", "warehouse")
    @classmethod
    def _folder_or_bucket(cls, value: str) -> str:
        return located(value, ("file", "s3"), "give a folder or s3://bucket/prefix")

    @field_validator("index")
    @classmethod
    def _folder_or_cluster(cls, value: str) -> str:
        located_at, advice = urlsplit(value), "give a folder or http(s)://host:port"
        if "@" in located_at.netloc:
            raise ValueError("addresses end up in logs: give user and password by MEDSEARCH_INDEX_USER and _PASSWORD")
        if located_at.scheme in ("http", "https") and not (located_at.hostname and _is_port(located_at.netloc)):
            raise ValueError(advice)
        return located(value, ("http", "https"), advice)

    @field_validator("index_compression")
    @classmethod
    def _of_the_engine(cls, value: Compression, info: ValidationInfo) -> Compression:
        if value == "fp16" and info.data.get("index_engine") != "faiss":
            raise ValueError("fp16 needs MEDSEARCH_INDEX_ENGINE=faiss")
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
        """How indexes on OpenSearch are made."""
        names = ("engine", "space_type", "m", "ef_construction", "ef_search", "compression", "shards", "replicas")
        return IndexLayout(**{name: getattr(self, f"index_{name}") for name in names})


def _is_port(netloc: str) -> bool:
    """Whether what stands after the host, if anything does, is a port."""
    _, colon, port = netloc.rpartition("]")[2].partition(":")
    return not colon or (port.isdecimal() and 0 < int(port) < 65536)


def located(value: str, schemes: tuple[str, ...], advice: str) -> str:
    """An address of one of the schemes as it is, or a folder as an absolute path.

    Raises:
        ValueError: another scheme, with the advice.
    """
    scheme, separator, _ = value.partition("://")
    if not separator:
        return str(Path(value).expanduser().absolute())
    if scheme not in schemes:
        raise ValueError(advice)
    return value
