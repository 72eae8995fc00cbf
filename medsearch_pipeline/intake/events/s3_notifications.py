"""What one message of the events queue names: keys below the landing root, nothing that matters here, or a fault.

Pure. Belongs here: the formats in which S3 tells of its objects, through whatever it was sent. Not here: what an event claims
of an object (its size, its tag, whether it came or went). Events are doubled and out of order, so they only say where to look.

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
"""The kinds of event after which an object may be there, other or gone: the part of an event's name before its second colon."""
EVENTBRIDGE_NEWS = frozenset(
    {"Object Created", "Object Deleted", "Object Restore Initiated", "Object Restore Completed", "Object Restore Expired"}
)
"""The same as EventBridge's detail-type; a lifecycle's expiration is an "Object Deleted" there."""


@dataclass(frozen=True, slots=True)
class LandingPlace:
    """The bucket and the prefix that are the landing store. `prefix` is empty or ends in a slash."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> LandingPlace:
        """The place of an address `s3://bucket/prefix`."""
        parts = urlsplit(url)
        prefix = parts.path.strip("/")
        return cls(parts.netloc, f"{prefix}/" if prefix else "")

    def below(self, bucket: str, key: str) -> str | None:
        """A bucket's key as the landing store spells it; None if it lies elsewhere."""
        inside = bucket == self.bucket and key.startswith(self.prefix) and len(key) > len(self.prefix)
        return key[len(self.prefix) :] if inside else None


def parse_keys(body: str, landing: LandingPlace) -> list[str]:
    """The landed keys that a message names, each once, in its order; none where it tells of nothing that matters here.

    That is: S3's test event; events of other buckets or prefixes; and events that leave the object as it was (its tags, ACL,
    storage class, replication).

    Raises:
        BadMessage: it is no event of S3's, or names an object in a way that none can be called.
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
            "no_event_of_s3", "neither records of S3, nor an event of EventBridge, nor either in an envelope of SNS"
        )
    below = (landing.below(bucket, key) for bucket, key in named)
    return list(dict.fromkeys(key for key in below if key is not None))


def _object_in(text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise BadMessage("no_json", "it is not JSON") from None  # whose error quotes the text
    if not isinstance(found, dict):
        raise BadMessage("no_json", "it is JSON, but no object")
    return found


def _inside_sns(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    if envelope["Type"] != "Notification":
        raise BadMessage("subscription_not_confirmed", "the topic's subscription of this queue waits for someone to confirm it")
    return _object_in(envelope.get("Message"))


def _key_in_record(record: Any) -> Sequence[tuple[str, str]]:
    """The bucket and key of one record. Its key is URL-encoded as a form is, a space as `+`."""
    name = record.get("eventName") if isinstance(record, dict) else None
    if not isinstance(name, str) or not isinstance(record.get("s3"), dict):
        raise BadMessage("no_event_of_s3", "one of its records is none of S3's")
    if name.removeprefix("s3:").partition(":")[0] not in NEWS:
        return []
    bucket, key = _place_in(record["s3"])
    try:
        return [(bucket, _spelt(unquote_plus(key, errors="strict")))]
    except UnicodeDecodeError:
        raise BadMessage("key_not_utf8", "an object's key is not UTF-8, as every key in S3 is") from None


def _key_in_eventbridge(event: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The bucket and key of one event. Its key is as it is, not encoded."""
    if event.get("source") != "aws.s3" or str(event["detail-type"]) not in EVENTBRIDGE_NEWS:
        return []
    bucket, key = _place_in(event["detail"])
    return [(bucket, _spelt(key))]


def _place_in(entity: Any) -> tuple[str, str]:
    """The texts under `bucket.name` and `object.key`, which both formats have."""
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
