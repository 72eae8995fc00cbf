"""Prometheus metrics.

Belongs here: the instruments. Labels are the service's own names: route templates, schema fields, methods, codes. Nothing that
a client sent, and nothing about a patient, becomes a label.
"""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
OK = "OK"

REQUESTS = Counter("medsearch_requests", "HTTP requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("medsearch_request_seconds", "Time from request to response.", ["route"], buckets=SECONDS)
IN_PROGRESS = Gauge("medsearch_requests_in_progress", "HTTP requests in progress.", multiprocess_mode="livesum")
GRAPHQL_FIELDS = Counter(
    "medsearch_graphql_fields",
    "Root fields of GraphQL operations by error code: OK or extensions.code; CANCELLED after a timeout, a shutdown or the "
    "failure of another field. The field is - if the whole document was rejected.",
    ["schema", "field", "code"],
)
BACKEND_CALLS = Counter(
    "medsearch_backend_calls",
    "Calls to the search index, the warehouse and the embedder by outcome: OK or the type of error.",
    ["backend", "call", "outcome"],
)
BACKEND_SECONDS = Histogram("medsearch_backend_seconds", "Duration of backend calls.", ["backend", "call"], buckets=SECONDS)
DECODES = Counter(
    "medsearch_decodes",
    "Images, values and headers decoded on request by outcome: OK, REFUSED (its data), CANCELLED (given up by the client or "
    "after the time limit), PROCESSOR_TIME, MEMORY, CRASH or ENDED_FROM_OUTSIDE. All but the first two killed their process.",
    ["outcome"],
)
DECODES_IN_PROGRESS = Gauge(
    "medsearch_decodes_in_progress",
    "Processes that decode, or wait for the store, at the moment.",
    multiprocess_mode="livesum",
)
DECODES_WAITING = Gauge(
    "medsearch_decodes_waiting", "Requests that wait for their turn to decode.", multiprocess_mode="livesum"
)
SHED = Counter("medsearch_shed_requests", "Searches refused with 503 because too many were waiting.")
ADMISSION_WAITING = Gauge("medsearch_requests_waiting", "Searches that wait for others.", multiprocess_mode="livesum")
INSTRUMENTS = (
    SHED,
    ADMISSION_WAITING,
    REQUESTS, REQUEST_SECONDS, IN_PROGRESS, GRAPHQL_FIELDS, BACKEND_CALLS, BACKEND_SECONDS, DECODES, DECODES_IN_PROGRESS,
    DECODES_WAITING,
)  # fmt: skip
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's variable, of this process and its children, for a folder with the values of each process."""


def share(folder: str) -> None:
    """From now on, count in files that all processes forked from this one can sum. Call it before anything is counted."""
    os.environ[_FOLDER] = folder
    values.ValueClass = values.MultiProcessValue()
    for instrument in INSTRUMENTS:
        if not instrument._labelnames:
            instrument._metric_init()


def note_end(pid: int) -> None:
    """What a process that has ended counted stays; what it was doing, it does no more."""
    mark_process_dead(pid, os.environ[_FOLDER])


def read() -> bytes:
    """The values of all processes of this service, in Prometheus' text format."""
    if _FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, os.environ[_FOLDER])
    return generate_latest(registry)
