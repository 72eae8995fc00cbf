"""Options of the connection to an OpenSearch cluster, and of its indexes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Engine = Literal["lucene", "faiss"]
SpaceType = Literal["innerproduct", "cosinesimil", "l2"]
Compression = Literal["none", "fp16", "on_disk"]


@dataclass(frozen=True, kw_only=True)
class Access:
    """The cluster's address and credentials. `ca` is the path of a PEM file of the CA that signed its certificate.

    With `aws_region`, requests are signed with Signature Version 4 for Amazon OpenSearch Service, with the process's own
    credentials; `user` and `password` are then ignored.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None
    aws_region: str | None = None
    timeout_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class IndexLayout:
    """How a release's indexes are created. See "k-NN vector" in OpenSearch's documentation.

    Vectors are stored with length 1, so that all three space types order by cosine. `m` and `ef_construction` shape the HNSW
    graph (Malkov and Yashunin, 2018); `ef_search` is the number of candidates of a search. `fp16` halves the vectors (faiss),
    `on_disk` keeps them 32 (faiss) or 4 (lucene) times smaller in memory and rescores the best in full precision.
    """

    engine: Engine = "lucene"
    space_type: SpaceType = "innerproduct"
    m: int = 16
    ef_construction: int = 128
    ef_search: int = 128
    compression: Compression = "none"
    shards: int = 1
    replicas: int = 1
