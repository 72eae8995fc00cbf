"""A real queue with its dead letters, and a bucket that tells it of its objects, on the tests' S3 service."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import pytest

from medsearch_core.storage.object_store import ObjectStore, S3Options
from medsearch_core.storage.open import open_store
from medsearch_pipeline.intake.events.queue import EventQueue

PREFIX = "landing"


@cache
def _client(service: str, endpoint: str) -> Any:
    return boto3.client(service, endpoint_url=endpoint)


@cache
def _store(url: str, endpoint: str) -> ObjectStore:
    return open_store(url, S3Options(endpoint, "us-east-1"))


@dataclass(frozen=True)
class Site:
    """What a data engineer sets up: the landing bucket, the queue and its dead letters."""

    endpoint: str
    bucket: str
    url: str
    dead_letters_url: str

    def client(self, service: str) -> Any:
        return _client(service, self.endpoint)

    @property
    def landing(self) -> ObjectStore:
        return _store(f"s3://{self.bucket}/{PREFIX}", self.endpoint)

    @property
    def arn(self) -> str:
        return self._attribute(self.url, "QueueArn")

    @property
    def waiting(self) -> int:
        """Messages in the queue that anybody may receive now."""
        return int(self._attribute(self.url, "ApproximateNumberOfMessages"))

    @property
    def held(self) -> int:
        """Messages in the queue that somebody received and nobody may receive now."""
        return int(self._attribute(self.url, "ApproximateNumberOfMessagesNotVisible"))

    @property
    def dead(self) -> list[str]:
        """The bodies of the dead letters."""
        found = self.client("sqs").receive_message(QueueUrl=self.dead_letters_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in found.get("Messages", [])]

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def notify_queue(self) -> None:
        """Has the bucket tell the queue, as docs/operations.md does."""
        told = {"QueueArn": self.arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        self._notify(QueueConfigurations=[told])

    def notify_topic(self, *, is_raw: bool) -> None:
        """Has the bucket tell a topic that the queue is subscribed to."""
        sns = self.client("sns")
        topic = sns.create_topic(Name=f"topic-{self.bucket}")["TopicArn"]
        attributes = {"RawMessageDelivery": "true"} if is_raw else {}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.arn, Attributes=attributes)
        self._notify(TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}])

    def notify_eventbridge(self) -> None:
        """Has the bucket tell EventBridge, and a rule of it the queue."""
        events = self.client("events")
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [self.bucket]}}}
        events.put_rule(Name=self.bucket, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=self.bucket, Targets=[{"Id": "queue", "Arn": self.arn}])
        self._notify(EventBridgeConfiguration={})

    def open_queue(self, endpoint: str | None = None, held_seconds: int = 120) -> EventQueue:
        """The queue, but that it waits for no message."""
        return EventQueue(_client("sqs", endpoint or self.endpoint), self.url, held_seconds, wait_seconds=0)

    def _notify(self, **configuration: Any) -> None:
        self.client("s3").put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=configuration)

    def _attribute(self, url: str, name: str) -> str:
        return self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]


@pytest.fixture
def site(s3_endpoint: str, s3_bucket: str) -> Site:
    """An empty landing bucket and an empty queue that gives up on a message after two deliveries; nothing is told yet."""
    sqs, name = _client("sqs", s3_endpoint), uuid.uuid4().hex[:8]
    dead = sqs.create_queue(QueueName=f"dead-{name}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    url = sqs.create_queue(QueueName=f"events-{name}", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    return Site(s3_endpoint, s3_bucket, url, dead)
