"""A real S3 API on loopback, and buckets with credentials as a task role would give them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

from medsearch_pipeline.workers.decoding import close_workers

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of an S3 API while it runs."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def bucket_at(endpoint: str) -> Iterator[str]:
    """The name of an empty bucket; `CREDENTIALS` must be in the environment."""
    assert CREDENTIALS.items() <= os.environ.items()
    bucket = f"landing-{uuid.uuid4().hex[:8]}"
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    close_workers()  # which started without these credentials
    yield bucket
    close_workers()
