"""Prometheus metrics.

Belongs here: the instruments. Labels are the service's own names: route templates, schema fields, methods, codes. Nothing that
a client sent, and nothing about a patient, becomes a label.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
OK = "OK"

REQUESTS = Counter("medsearch_requests", "HTTP requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("medsearch_request_seconds", "Time from request to response.", ["route"], buckets=SECONDS)
IN_PROGRESS = Gauge("medsearch_requests_in_progress", "HTTP requests in progress.")
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
DECODES_IN_PROGRESS = Gauge("medsearch_decodes_in_progress", "Processes that decode, or wait for the store, at the moment.")
DECODES_WAITING = Gauge("medsearch_decodes_waiting", "Requests that wait for their turn to decode.")
