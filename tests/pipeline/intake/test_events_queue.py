"""Consuming a real queue: nothing is deleted before it is recorded, nothing is lost, and what cannot be read ends apart."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Collection, Iterator, Sequence

import boto3
import pytest

from medsearch_core.errors import ConfigurationError, QueueError, StorageError
from medsearch_pipeline.intake.events import consumer as consuming
from medsearch_pipeline.intake.events.consumer import ConsumeResult, Limits, consume
from medsearch_pipeline.intake.events.queue import EventQueue, Message, open_queue
from medsearch_pipeline.intake.events.s3_notifications import LandingPlace, parse_keys
from tests.pipeline.intake.conftest import PREFIX, Site
from tests.pipeline.intake.event_messages import record, records
from tests.pipeline.intake.faulty_queue import faulty
from tests.support.waiting import wait_until

NAMES = ["files/p10/a.dcm", "with space & ünïcode (1).dcm", "a+b.dcm", "100%25.dcm", "quote'?*.dcm"]


class Recorder:
    """Notes the keys it is given, round by round."""

    def __init__(self, unseen: Collection[str] = ()) -> None:
        self.rounds: list[list[str]] = []
        self.unseen = unseen

    def __call__(self, keys: Sequence[str]) -> Collection[str]:
        self.rounds.append(list(keys))
        return set(self.unseen).intersection(keys)

    @property
    def keys(self) -> list[str]:
        return sorted(key for keys in self.rounds for key in keys)


def take(site: Site, record: consuming.Record, limits: Limits | None = None, queue: EventQueue | None = None) -> ConsumeResult:
    """Consumes the site's queue, with limits that no test reaches unless it gives others."""
    place = LandingPlace(site.bucket, f"{PREFIX}/")
    return consume(queue or site.open_queue(), lambda body: parse_keys(body, place), record, limits or Limits())


def message(site: Site, *keys: str) -> str:
    """A message that names these landed keys."""
    return records(*(record(f"{PREFIX}/{key}", bucket=site.bucket) for key in keys))


def test_what_lands_and_goes_is_told_by_the_bucket_itself(site: Site) -> None:
    site.notify_queue()
    for name in NAMES:
        site.landing.write(name, b"pixels")
    site.landing.delete(NAMES[0])
    site.client("s3").put_object(Bucket=site.bucket, Key="elsewhere/x", Body=b"")
    recorder = Recorder()
    consumed = take(site, recorder)
    assert recorder.rounds == [list(dict.fromkeys(recorder.rounds[0]))]
    assert recorder.keys == sorted(NAMES)
    assert (consumed.messages, consumed.keys, consumed.without_keys) == (len(NAMES) + 3, len(NAMES), 2)  # the test event, and x
    assert (consumed.unreadable, consumed.unseen, consumed.undeleted, consumed.is_drained) == ({}, set(), {}, True)
    assert (site.waiting, site.held) == (0, 0)


@pytest.mark.parametrize("way", ["a topic", "a topic with raw delivery", "EventBridge"])
def test_what_lands_and_goes_is_told_by_way_of(way: str, site: Site) -> None:
    if way == "EventBridge":
        site.notify_eventbridge()
    else:
        site.notify_topic(is_raw=way.endswith("raw delivery"))
    for name in NAMES:
        site.landing.write(name, b"pixels")
    assert site.waiting >= len(NAMES)
    first, second = Recorder(), Recorder()
    take(site, first)
    site.landing.delete(NAMES[1])
    take(site, second)
    assert first.keys == sorted(NAMES)
    assert second.keys == [NAMES[1]]
    assert (site.waiting, site.held, site.dead) == (0, 0, [])


def test_a_key_named_by_many_messages_is_recorded_once_and_all_of_them_go(site: Site) -> None:
    site.send(*[message(site, "a", "b")] * 25)
    recorder = Recorder()
    consumed = take(site, recorder)
    assert recorder.rounds == [["a", "b"]]
    assert (consumed.messages, consumed.keys) == (25, 2)
    assert (site.waiting, site.held) == (0, 0)


def test_no_more_than_a_thousand_keys_are_handed_over_at_once(site: Site) -> None:
    site.send(*(message(site, *(f"{n}-{i}" for i in range(700))) for n in range(3)))
    recorder = Recorder()
    take(site, recorder)
    assert [len(keys) for keys in recorder.rounds] == [1000, 1000, 100]
    assert len(set(recorder.keys)) == 2100


def test_messages_are_there_until_their_keys_are_recorded_and_then_gone(site: Site) -> None:
    site.send(*(message(site, f"{n}") for n in range(12)))
    during: list[tuple[int, int]] = []

    def note(keys: Sequence[str]) -> Collection[str]:
        during.append((site.waiting, site.held))
        return ()

    take(site, note)
    assert during == [(0, 12)]
    assert (site.waiting, site.held) == (0, 0)


def test_what_could_not_be_recorded_comes_again_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one request at a time: moto may fail one of two that receive a message given back, and hold what it took for it."""
    monkeypatch.setattr(consuming, "REQUESTS_AT_ONCE", 1)
    site.send(*(message(site, f"{n}") for n in range(12)))

    def fail(keys: Sequence[str]) -> Collection[str]:
        raise StorageError("the warehouse is down")

    with pytest.raises(StorageError, match="the warehouse is down"):
        take(site, fail)
    assert (site.waiting, site.held) == (12, 0)
    recorder = Recorder()
    take(site, recorder)
    assert len(set(recorder.keys)) == 12
    assert (site.waiting, site.held) == (0, 0)


def test_a_message_one_of_whose_keys_could_not_be_seen_stays_and_the_others_go(site: Site) -> None:
    site.send(message(site, "a", "b"), message(site, "c"), message(site, "b"))
    consumed = take(site, Recorder(unseen=["b"]))
    assert (consumed.messages, consumed.keys, len(consumed.unseen)) == (3, 3, 2)
    assert (site.waiting, site.held) == (0, 2)


def test_what_cannot_be_read_is_named_and_ends_among_the_dead_letters_while_the_rest_is_recorded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, received = site.open_queue(held_seconds=3600), list[Message]()

    def receive(*arguments: int) -> list[Message]:
        received[:] += (found := EventQueue.receive(queue, *arguments))
        return found

    monkeypatch.setattr(queue, "receive", receive)
    site.send("no event", message(site, "a"))
    first = Recorder()
    consumed = take(site, first, queue=queue)
    assert first.keys == ["a"]
    [(name, fault)] = consumed.unreadable.items()
    assert fault.reason == "no_json"
    assert site.held == 1
    deliveries = 1
    while not site.dead:
        queue.hold([found for found in received if found.id == name][-1:], 0)  # it comes into sight again
        again = take(site, Recorder(), queue=queue)
        assert again.unreadable.keys() <= {name}
        deliveries += len(again.unreadable)
    assert deliveries == 2
    assert site.dead == ["no event"]
    assert (site.waiting, site.held) == (0, 0)


def test_a_queue_says_whether_it_ever_gives_up_on_a_message(site: Site) -> None:
    assert site.open_queue().has_dead_letters()
    site.client("sqs").set_queue_attributes(QueueUrl=site.url, Attributes={"RedrivePolicy": ""})
    assert not site.open_queue().has_dead_letters()


def test_a_message_that_could_not_be_deleted_at_first_is_deleted(site: Site) -> None:
    site.send(*(message(site, f"{n}") for n in range(4)))
    with faulty(site.endpoint, DeleteMessageBatch=["first entry fails", "first entry fails"]) as proxy:
        consumed = take(site, Recorder(), queue=site.open_queue(proxy.url))
    assert proxy.asked.count("DeleteMessageBatch") == 3
    assert consumed.undeleted == {}
    assert (site.waiting, site.held) == (0, 0)


def test_a_message_that_cannot_be_deleted_is_named_and_comes_again(site: Site) -> None:
    site.send(*(message(site, f"{n}") for n in range(4)))
    with faulty(site.endpoint, DeleteMessageBatch=["first entry fails"] * 3) as proxy:
        consumed = take(site, Recorder(), queue=site.open_queue(proxy.url))
    assert list(consumed.undeleted.values()) == ["InternalError"]
    assert (site.waiting, site.held) == (0, 1)


def test_a_queue_that_is_busy_or_hangs_up_is_asked_again(site: Site) -> None:
    site.send(message(site, "a"))
    recorder = Recorder()
    with faulty(site.endpoint, ReceiveMessage=["throttled", "hang up"], DeleteMessageBatch=["hang up"]) as proxy:
        take(site, recorder, queue=site.open_queue(proxy.url))
    assert recorder.keys == ["a"]
    assert (site.waiting, site.held) == (0, 0)


def test_what_takes_long_to_record_is_kept_out_of_sight(site: Site) -> None:
    site.send(message(site, "a"))
    meanwhile: list[object] = []
    with faulty(site.endpoint) as proxy:

        def record_until_it_would_be_in_sight(keys: Sequence[str]) -> Collection[str]:
            wait_until("holding it four times", lambda: proxy.asked.count("ChangeMessageVisibilityBatch") >= 4, 300, every=0.05)
            other = site.client("sqs").receive_message(QueueUrl=site.url, WaitTimeSeconds=0)
            meanwhile.append(other.get("Messages", []))
            return ()

        queue = site.open_queue(proxy.url, held_seconds=3)  # three times in that time
        take(site, record_until_it_would_be_in_sight, Limits(messages=1), queue)
    assert meanwhile == [[]]
    assert (site.waiting, site.held) == (0, 0)


def test_no_more_messages_are_taken_than_allowed(site: Site) -> None:
    site.send(*(message(site, f"{n}") for n in range(25)))
    consumed = take(site, Recorder(), Limits(messages=12))
    assert (consumed.messages, consumed.is_drained) == (12, False)
    assert (site.waiting, site.held) == (13, 0)


def test_no_round_begins_when_the_time_is_up(site: Site) -> None:
    site.send(*(message(site, *(f"{n}-{i}" for i in range(150))) for n in range(30)))
    now, recorder = 0.0, Recorder()

    def take_nine_seconds(keys: Sequence[str]) -> Collection[str]:
        nonlocal now
        now += 9
        return recorder(keys)

    place = LandingPlace(site.bucket, f"{PREFIX}/")
    limits = Limits(seconds=15)
    consumed = consume(site.open_queue(), lambda body: parse_keys(body, place), take_nine_seconds, limits, lambda: now)
    assert [len(keys) for keys in recorder.rounds] == [1000, 500]
    assert (consumed.messages, consumed.is_drained) == (10, False)
    assert (site.waiting, site.held) == (20, 0)


def test_a_round_that_does_not_fill_up_is_recorded_when_its_time_is_up(site: Site) -> None:
    site.send(*(message(site, f"{n}") for n in range(25)))
    recorder = Recorder()
    place = LandingPlace(site.bucket, f"{PREFIX}/")
    limits = Limits(gathering_seconds=0)
    consume(site.open_queue(), lambda body: parse_keys(body, place), recorder, limits)
    assert [len(keys) for keys in recorder.rounds] == [10, 10, 5]
    assert (site.waiting, site.held) == (0, 0)


def test_an_empty_queue_is_asked_once_and_nothing_is_recorded(site: Site) -> None:
    recorder = Recorder()
    with faulty(site.endpoint) as proxy:
        consumed = take(site, recorder, queue=site.open_queue(proxy.url))
    assert proxy.asked == ["ReceiveMessage"]
    assert (consumed, recorder.rounds) == (ConsumeResult(is_drained=True), [])


def test_a_queue_that_is_not_there_is_named_with_the_setting(site: Site) -> None:
    queue = open_queue(site.url.replace("events-", "no-such-"), "us-east-1", site.endpoint)
    for ask in (queue.has_dead_letters, lambda: queue.receive(10)):
        with pytest.raises(ConfigurationError, match=r"http.*no-such-.*MEDSEARCH_EVENTS_QUEUE"):
            ask()


def test_a_service_that_does_not_answer_may_do_so_later(site: Site) -> None:
    with faulty(site.endpoint, ReceiveMessage=["hang up"] * 9) as proxy:
        queue = open_queue(site.url, "us-east-1", proxy.url)
        with pytest.raises(QueueError, match="ConnectionClosedError"):
            queue.receive(10)
    assert len(proxy.asked) == 4


def test_no_region_is_a_setting_to_give(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigurationError, match="MEDSEARCH_S3_REGION"):
        open_queue(site.url, None, site.endpoint)


def ask_for_permissions(site: Site, *, is_on: bool) -> None:
    """Whether the service asks, from now on, who may do what."""
    address, head = f"{site.endpoint}/moto-api/reset-auth", {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(address, b"0" if is_on else b"inf", head)).close()  # noqa: S310


@pytest.fixture
def permissions(site: Site) -> Iterator[None]:
    """Nobody is asked after the test."""
    yield
    ask_for_permissions(site, is_on=False)


@pytest.mark.usefixtures("permissions")
def test_a_role_that_may_not_is_told_which_permission_it_needs(site: Site) -> None:
    site.send(message(site, "a"))
    iam = site.client("iam")
    iam.create_user(UserName=site.bucket)
    keys = iam.create_access_key(UserName=site.bucket)["AccessKey"]
    allowed: list[str] = []

    def allow(*actions: str) -> EventQueue:  # in AWS, the permission for one message is that for a batch
        ask_for_permissions(site, is_on=False)
        allowed.extend(actions)
        statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=site.bucket, PolicyName="events", PolicyDocument=document)
        ask_for_permissions(site, is_on=True)
        secret = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
        return EventQueue(boto3.client("sqs", endpoint_url=site.endpoint, **secret), site.url, 120, wait_seconds=0)

    with pytest.raises(ConfigurationError, match="sqs:GetQueueAttributes"):
        allow("sqs:SendMessage").has_dead_letters()
    assert allow("sqs:GetQueueAttributes").has_dead_letters()
    with pytest.raises(ConfigurationError, match="sqs:ReceiveMessage"):
        allow().receive(10)
    received = allow("sqs:ReceiveMessage").receive(10)
    with pytest.raises(ConfigurationError, match="sqs:ChangeMessageVisibility"):
        allow().hold(received, 0)
    with pytest.raises(ConfigurationError, match="sqs:DeleteMessage"):
        allow("sqs:ChangeMessageVisibilityBatch").delete(received)
    assert allow("sqs:DeleteMessageBatch").delete(received) == {}
