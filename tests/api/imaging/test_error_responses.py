"""Errors of originals: a status and a sentence that ends with what to do, and nothing of the exception's own message."""

from __future__ import annotations

import pytest

from medsearch_api.imaging.errors import error_response
from medsearch_core.errors import ConfigurationError, MedsearchError, ObjectNotFound, StorageError

ADVICE = ("try again.", "See its log for details.", "See the service's log for details.")


@pytest.mark.parametrize(
    ("error", "status"),
    [(ObjectNotFound, 503), (StorageError, 503), (ConfigurationError, 503), (MedsearchError, 500)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_an_error_of_the_service_ends_with_advice_and_keeps_its_message_to_itself(error, status):
    response = error_response(error("s3://hospital/Doe/1.dcm"))
    text = bytes(response.body).decode()
    assert response.status_code == status
    assert text.lower().endswith(tuple(advice.lower() for advice in ADVICE))
    assert "Doe" not in text
