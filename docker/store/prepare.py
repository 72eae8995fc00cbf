"""Creates the store's two buckets and two users, if missing: `pipeline` owns the buckets, `service` may read them.

For the S3 gateway of compose.yaml, which creates users by its own signed requests; on AWS docker/aws/ does this.
"""

import json
import os
from http.client import HTTPConnection
from urllib.parse import urlsplit
from xml.etree import ElementTree

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

BUCKETS = ("landing", "warehouse")
OWNER, READER = "pipeline", "service"
REGION = "us-east-1"
CREATED, CONFLICT = 201, 409
PSEUDONYMS = "pseudonym.key"
"""The object in the warehouse that only the pipeline may read: the secret behind study keys."""


class NotPrepared(Exception):
    """The store rejected a request; the message names it and the status."""


def user(access: str, secret: str) -> bytes:
    """A user in the gateway's format."""
    account = ElementTree.Element("Account")
    for name, value in {"Access": access, "Secret": secret, "Role": "user"}.items():
        ElementTree.SubElement(account, name).text = value
    return ElementTree.tostring(account)


def reading(bucket: str) -> dict[str, object]:
    """The policy of a bucket with one owner and one reader."""
    whole, objects = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"
    allow = {"Effect": "Allow"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {**allow, "Principal": {"AWS": OWNER}, "Action": "s3:*", "Resource": [whole, objects]},
            {**allow, "Principal": {"AWS": READER}, "Action": "s3:ListBucket", "Resource": whole},
            {**allow, "Principal": {"AWS": READER}, "Action": "s3:GetObject", "Resource": objects},
            {"Effect": "Deny", "Principal": {"AWS": READER}, "Action": "s3:GetObject", "Resource": f"{whole}/{PSEUDONYMS}"},
        ],
    }


def ask(endpoint: str, path: str, body: bytes) -> int:
    """Sends an administrative request to the gateway, signed with the process's credentials; returns the status."""
    request = AWSRequest("PATCH", f"{endpoint}{path}", data=body)
    credentials = boto3.Session().get_credentials()
    S3SigV4Auth(credentials, "s3", REGION).add_auth(request)
    at = urlsplit(endpoint)
    connection = HTTPConnection(at.hostname or "", at.port, timeout=30)
    try:
        connection.request("PATCH", path, body, dict(request.headers.items()))
        return connection.getresponse().status
    finally:
        connection.close()


def prepare(endpoint: str, secrets: dict[str, str]) -> None:
    """Creates what is missing.

    Raises:
        NotPrepared: the store rejected a user.
    """
    for access, secret in secrets.items():
        status = ask(endpoint, "/create-user", user(access, secret))
        if status not in (CREATED, CONFLICT):
            raise NotPrepared(f"the store did not create user {access}: status {status}")
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name=REGION)
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in BUCKETS:
        if bucket not in there:
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(reading(bucket)))


if __name__ == "__main__":
    prepare(
        os.environ["STORE_ENDPOINT"],
        {OWNER: os.environ["STORE_PIPELINE_SECRET"], READER: os.environ["STORE_SERVICE_SECRET"]},
    )
    print("buckets and users exist")
