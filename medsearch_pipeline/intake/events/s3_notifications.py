"""Parsing a message of the events queue: keys below the landing root, nothing relevant, or an error.

Pure. Belongs here: the formats of S3 events, by every route. Not used: what an event claims about an object (its size, its
tag, whether it was created or deleted). Events may be duplicated and out of order, so they only say where to look.

The formats, by the titles of AWS's pages. Amazon S3 User Guide: "Event message structure" and "Supported event types for SQS,
SNS, and Lambda" for the records, "Walkthrough: Configuring a bucket for notifications (SNS topic or SQS queue)" for
`s3:TestEvent`, "EventBridge event message structure" and "Using EventBridge" for `detail`. Amazon SNS Developer Guide: "Amazon
SNS message and JSON formats" and "Amazon SNS raw message delivery" for the envelope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from medsearch_core.errors import BadMessage

NEWS = frozenset({"ObjectCreated", "ObjectRemoved", "ObjectRestore", "LifecycleExpiration"})
"""Events that may create, replace or remove an object: the part of an event's name before its second colon."""
EVENTBRIDGE_NEWS = frozenset(
    {"Object Created", "Object Deleted", "Object Restore Initiated", "Object Restore Completed", "Object Restore Expired"}
)
"""The same as EventBridge's detail-type; a lifecycle's expiration is an "Object Deleted" there."""


@dataclass(frozen=True, slots=True)
class LandingPlace:
    """The bucket and prefix of the landing store. `prefix` is empty or ends in a slash."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> LandingPlace:
        """The bucket and prefix of `s3://bucket/prefix`."""
        parts = urlsplit(url)
        prefix = parts.path.strip("/")
        return cls(parts.netloc, f"{prefix}/" if prefix else "")

    def below(self, bucket: str, key: str) -> str | None:
        """A bucket's key relative to the landing store; None if it is outside."""
        inside = bucket == self.bucket and key.startswith(self.prefix) and len(key) > len(self.prefix)
        return key[len(self.prefix) :] if inside else None


def parse_keys(body: str, landing: LandingPlace) -> list[str]:
    """The landed keys that a message names, without duplicates, in its order; empty if nothing in it is relevant.

    Not relevant are S3's test event, events of other buckets or prefixes, and events that do not change the object (its tags,
    ACL, storage class, replication).

    Raises:
        BadMessage: it is not an S3 event, or its key is invalid.
    """
    event = _object_in(body)
    if "TopicArn" in event and "Type" in event:
        event = _inside_sns(event)
    if event.get("Event") == "s3:TestEvent":
        return []
    if "detail-type" in event and "detail" in event:
        named = _key_in_eventbridge(event)
    elif isinstance(event.get("Records"), list):
        named = [place for record in event["Records"] for place in _key_in_record(record)]
    else:
        raise BadMessage(
            "no_event_of_s3", "it contains no S3 records and no EventBridge event, with or without an SNS envelope"
        )
    below = (landing.below(bucket, key) for bucket, key in named)
    return list(dict.fromkeys(key for key in below if key is not None))


def _object_in(text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise BadMessage("no_json", "it is not JSON") from None  # the original error quotes the text
    if not isinstance(found, dict):
        raise BadMessage("no_json", "it is JSON, but not an object")
    return found


def _inside_sns(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    if envelope["Type"] != "Notification":
        raise BadMessage("subscription_not_confirmed", "the SNS subscription of this queue has not been confirmed")
    return _object_in(envelope.get("Message"))


def _key_in_record(record: Any) -> Sequence[tuple[str, str]]:
    """The bucket and key of one record. Its key is form-encoded, with `+` for a space."""
    name = record.get("eventName") if isinstance(record, dict) else None
    if not isinstance(name, str) or not isinstance(record.get("s3"), dict):
        raise BadMessage("no_event_of_s3", "one of its records is not an S3 record")
    if name.removeprefix("s3:").partition(":")[0] not in NEWS:
        return []
    bucket, key = _place_in(record["s3"])
    try:
        return [(bucket, _spelt(unquote_plus(key, errors="strict")))]
    except UnicodeDecodeError:
        raise BadMessage("key_not_utf8", "an object's key is not UTF-8, as every key in S3 is") from None


def _key_in_eventbridge(event: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The bucket and key of one event. Its key is not encoded."""
    if event.get("source") != "aws.s3" or str(event["detail-type"]) not in EVENTBRIDGE_NEWS:
        return []
    bucket, key = _place_in(event["detail"])
    return [(bucket, _spelt(key))]


def _place_in(entity: Any) -> tuple[str, str]:
    """The strings `bucket.name` and `object.key`, which both formats have."""
    try:
        bucket, key = entity["bucket"]["name"], entity["object"]["key"]
    except (KeyError, TypeError):
        bucket = key = None
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        raise BadMessage("no_key", "an event in it names no bucket or no object")
    return bucket, key


def _spelt(key: str) -> str:
    try:
        key.encode()
    except UnicodeEncodeError:
        raise BadMessage("key_not_utf8", "an object's key is not UTF-8, as every key in S3 is") from None
    return key
