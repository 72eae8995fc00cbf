"""What a message of the events queue names, in every format in which S3's events arrive."""

from __future__ import annotations

import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsearch_core.errors import BadMessage
from medsearch_pipeline.intake.events.s3_notifications import LandingPlace, parse_keys
from tests.pipeline.intake.event_messages import BUCKET, by_sns, eventbridge, first_event, record, records

HERE = LandingPlace(BUCKET, "landing/")
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda key: len(key.encode()) <= 1024)
"""Every key that S3 allows: 1 to 1,024 bytes of UTF-8 ("Naming Amazon S3 objects")."""


@given(KEYS)
def test_any_key_comes_back_from_the_encoding_of_a_record(key: str) -> None:
    message = json.loads(records(record("x"), record("x")))
    message["Records"][0]["s3"]["object"]["key"] = quote_plus(key, safe="/")
    message["Records"][1]["s3"]["object"]["key"] = quote_plus(f"{key}+")
    assert parse_keys(json.dumps(message), LandingPlace(BUCKET, "")) == [key, f"{key}+"]


@given(KEYS)
def test_any_key_comes_back_from_eventbridge_with_and_without_an_envelope(key: str) -> None:
    assert parse_keys(eventbridge(f"landing/{key}"), HERE) == [key]
    assert parse_keys(by_sns(eventbridge(f"landing/{key}")), HERE) == [key]


def test_a_key_that_looks_encoded_is_decoded_once() -> None:
    assert parse_keys(records(record("landing/100%25 a+b ü.dcm")), HERE) == ["100%25 a+b ü.dcm"]
    assert parse_keys(eventbridge("landing/100%25 a+b ü.dcm"), HERE) == ["100%25 a+b ü.dcm"]


@pytest.mark.parametrize(
    "name",
    [
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectRestore:Completed",
        "ObjectRestore:Delete",
        "LifecycleExpiration:Delete",
        "LifecycleExpiration:DeleteMarkerCreated",
        "s3:ObjectCreated:Put",
    ],
)
def test_what_may_change_an_object_names_it(name: str) -> None:
    assert parse_keys(records(record("landing/a", name)), HERE) == ["a"]
    assert parse_keys(by_sns(records(record("landing/a", name))), HERE) == ["a"]


@pytest.mark.parametrize(
    "name",
    [
        "ObjectTagging:Put",
        "ObjectAcl:Put",
        "LifecycleTransition",
        "IntelligentTiering",
        "Replication:OperationFailedReplication",
    ],
)
def test_what_leaves_an_object_as_it_was_is_no_news(name: str) -> None:
    assert parse_keys(records(record("landing/a", name)), HERE) == []


@pytest.mark.parametrize(
    ("detail_type", "keys"),
    [
        ("Object Created", ["a"]),
        ("Object Deleted", ["a"]),
        ("Object Restore Completed", ["a"]),
        ("Object Restore Expired", ["a"]),
        ("Object Tags Added", []),
        ("Object ACL Updated", []),
        ("Object Storage Class Changed", []),
    ],
)
def test_eventbridge_tells_by_its_detail_type(detail_type: str, keys: list[str]) -> None:
    assert parse_keys(eventbridge("landing/a", detail_type), HERE) == keys


def test_a_delete_marker_is_a_deletion_and_says_so_in_the_detail() -> None:
    marker = {"reason": "DeleteObject", "deletion-type": "Delete Marker Created"}
    assert parse_keys(eventbridge("landing/a", "Object Deleted", **marker), HERE) == ["a"]


def test_a_message_may_name_many_keys_and_each_is_told_once_in_its_order() -> None:
    several = [record(f"landing/{key}") for key in "bacb"]
    assert parse_keys(records(*several, record("landing/d", "ObjectRemoved:Delete")), HERE) == ["b", "a", "c", "d"]


def test_other_buckets_and_prefixes_and_the_root_itself_are_no_news() -> None:
    elsewhere = [record("landing/a", bucket="other"), record("landing-2/a"), record("Landing/a"), record("landing/")]
    assert parse_keys(records(*elsewhere), HERE) == []
    assert parse_keys(eventbridge("landing/a", bucket="other"), HERE) == []


def test_the_landing_address_gives_bucket_and_prefix_as_the_store_takes_them() -> None:
    assert LandingPlace.of("s3://bucket/some/prefix/") == LandingPlace("bucket", "some/prefix/")
    assert LandingPlace.of("s3://bucket") == LandingPlace("bucket", "")


def test_the_event_that_s3_sends_to_try_a_queue_is_no_news() -> None:
    assert parse_keys(first_event(), HERE) == []
    assert parse_keys(by_sns(first_event()), HERE) == []


def test_no_records_and_another_services_event_are_no_news() -> None:
    assert parse_keys(records(), HERE) == []
    for other in ({"source": "aws.ec2"}, {"detail-type": ["Object Created"]}):
        assert parse_keys(json.dumps({**json.loads(eventbridge("landing/a")), **other}), HERE) == []


WITHOUT_KEY = json.loads(records(record("landing/a")))
del WITHOUT_KEY["Records"][0]["s3"]["object"]["key"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no_json"),
        ("SECRET^DOE", "no_json"),
        ('["SECRET"]', "no_json"),
        ("[" * 100_000, "no_json"),
        ('{"patient": "SECRET"}', "no_event_of_s3"),
        (records("SECRET"), "no_event_of_s3"),
        (records({"eventName": "SECRET"}), "no_event_of_s3"),
        (records({**record("landing/a"), "s3": "SECRET"}), "no_event_of_s3"),
        (json.dumps(WITHOUT_KEY), "no_key"),
        (eventbridge(""), "no_key"),
        (json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": "SECRET"}), "no_key"),
        (records(record("x")).replace('"x"', '"landing/SECRET%FF"'), "key_not_utf8"),
        (eventbridge("x").replace('"x"', '"landing/SECRET\\ud800"'), "key_not_utf8"),
        (by_sns("SECRET"), "no_json"),
        (by_sns("{}").replace('"Message"', '"Lost"'), "no_json"),
        (by_sns("SECRET", "SubscriptionConfirmation"), "subscription_not_confirmed"),
    ],
)
def test_what_cannot_be_read_says_why_and_nothing_of_what_it_held(body: str, reason: str) -> None:
    with pytest.raises(BadMessage) as refused:
        parse_keys(body, HERE)
    assert refused.value.reason == reason
    assert "SECRET" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


WORDS = ["Records", "s3", "bucket", "object", "key", "name", "eventName", "detail", "detail-type", "source", "Event", "aws.s3"]
VALUES = st.none() | st.booleans() | st.text() | st.sampled_from(WORDS)
OBJECTS = st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(WORDS) | st.text(), inner))


@given(st.text() | OBJECTS.map(json.dumps))
def test_whatever_a_message_holds_it_is_read_or_refused(body: str) -> None:
    try:
        outcome = type(parse_keys(body, HERE)).__name__
    except BadMessage as refused:
        outcome = refused.reason
    assert outcome in {"list", "no_json", "no_event_of_s3", "no_key", "key_not_utf8"}
