"""Messages as AWS's pages show them: S3's records, SNS's envelope, EventBridge's event."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

BUCKET = "amzn-s3-demo-bucket"


def record(key: str, name: str = "ObjectCreated:Put", bucket: str = BUCKET, **others: Any) -> dict[str, Any]:
    """One record of "Event message structure"; the key is encoded here."""
    entity = {
        "s3SchemaVersion": "1.0",
        "configurationId": "landing",
        "bucket": {"name": bucket, "ownerIdentity": {"principalId": "A3NL1KOZZKExample"}, "arn": f"arn:aws:s3:::{bucket}"},
        "object": {
            "key": quote_plus(key, safe="/"),
            "size": 1024,
            "eTag": "d41d8cd98f00b204e9800998ecf8427e",
            "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
            "sequencer": "0055AED6DCD90281E5",
        },
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "s3": entity,
        **others,
    }


def records(*several: Any) -> str:
    """A message of so many records."""
    return json.dumps({"Records": list(several)})


def first_event(bucket: str = BUCKET) -> str:
    """What S3 sends when a notification is configured."""
    told = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z", "Bucket": bucket}
    return json.dumps({**told, "RequestId": "5582815E1AEA5ADF", "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"})


def eventbridge(key: str, detail_type: str = "Object Created", bucket: str = BUCKET, **detail: Any) -> str:
    """One event of "EventBridge event message structure"; the key is as it is."""
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": detail_type,
            "source": "aws.s3",
            "account": "111122223333",
            "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [f"arn:aws:s3:::{bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket},
                "object": {"key": key, "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "617f08299329d189"},
                "request-id": "N4N7GDK58NMKJ12R",
                "requester": "111122223333",
                "reason": "PutObject",
                **detail,
            },
        }
    )


def by_sns(message: str, kind: str = "Notification") -> str:
    """A message in the envelope of a topic without raw delivery."""
    return json.dumps(
        {
            "Type": kind,
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:111122223333:landing",
            "Subject": "Amazon S3 Notification",
            "Message": message,
            "Timestamp": "2026-01-01T00:00:00.000Z",
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertURL": "https://example.org/cert.pem",
            "UnsubscribeURL": "https://example.org/unsubscribe",
        }
    )
