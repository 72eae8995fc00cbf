"""Settings of sign-in: refused when half given, never shown."""

from __future__ import annotations

import pytest

from medsearch_api.app import create_app
from medsearch_api.sign_in.options import read_oidc_options
from medsearch_api.sign_in.viewer import Viewer
from medsearch_core.errors import ConfigurationError
from tests.support.oidc_settings import oidc_settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_oidc_issuer": ""}, "MEDSEARCH_API_OIDC_ISSUER"),
        ({"api_oidc_client_id": ""}, "MEDSEARCH_API_OIDC_CLIENT_ID"),
        ({"api_oidc_roles_claim": ""}, "MEDSEARCH_API_OIDC_ROLES_CLAIM"),
        ({"api_public_url": ""}, "MEDSEARCH_API_PUBLIC_URL"),
        ({"api_oidc_issuer": "http://issuer.example"}, "https"),
        ({"api_oidc_issuer": "https://user:pass@issuer.example"}, "https"),
        ({"api_oidc_issuer": "https://issuer.example?x=1"}, "https"),
        ({"api_public_url": "http://search.example"}, "https"),
        ({"api_public_url": "https://search.example/below"}, "without path"),
        ({"api_oidc_reader_values": " , ", "api_oidc_admin_values": ""}, "MEDSEARCH_API_OIDC_READER_VALUES"),
        ({"api_oidc_scopes": "profile"}, "openid"),
    ],
    ids=str,
)
def test_sign_in_that_is_half_configured_starts_nothing(hospital, settings, said):
    with pytest.raises(ConfigurationError, match=said):
        create_app(oidc_settings(hospital, "https://issuer.example", **settings))


def test_with_sign_in_the_service_may_listen_beyond_loopback(hospital):
    settings = oidc_settings(
        hospital, "https://issuer.example", api_host="0.0.0.0", api_public_url="https://Search.Example:443/"
    )
    assert create_app(settings)
    assert read_oidc_options(settings).redirect_uri == "https://search.example/sign-in/callback"


def test_secrets_are_not_shown_by_settings_or_options(hospital):
    settings = oidc_settings(hospital, "https://issuer.example", **{"api_oidc_client_secret": "do-not-show"})
    assert "do-not-show" not in f"{settings!r} {read_oidc_options(settings)!r} {Viewer('do-not-show')!r}"
