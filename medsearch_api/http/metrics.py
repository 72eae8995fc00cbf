"""What is measured, for Prometheus.

Belongs here: the instruments, and counting every call of a backend. A label is a name of the service's own: a route's template,
a field of a schema, a method, a code. Nothing that a client sent or a patient has becomes one.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
OK = "OK"

REQUESTS = Counter("medsearch_requests", "HTTP requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("medsearch_request_seconds", "From a request to its answer.", ["route"], buckets=SECONDS)
IN_PROGRESS = Gauge("medsearch_requests_in_progress", "HTTP requests not yet answered.")
GRAPHQL_FIELDS = Counter(
    "medsearch_graphql_fields",
    "Root fields of GraphQL operations by error code: OK, or what extensions.code told; CANCELLED for a time-out, a "
    "shutdown, or a failure beside it. The field is - where a document was refused as a whole.",
    ["schema", "field", "code"],
)
BACKEND_CALLS = Counter(
    "medsearch_backend_calls",
    "Calls of the search index, the warehouse and the embedder: OK, or the error's type.",
    ["backend", "call", "outcome"],
)
BACKEND_SECONDS = Histogram("medsearch_backend_seconds", "A call of a backend.", ["backend", "call"], buckets=SECONDS)
