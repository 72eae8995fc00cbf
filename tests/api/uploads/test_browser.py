"""Forms as a real browser sends them: the service's own page may, another site's may not."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from medsearch_api.app import create_app
from tests.support.pictures import PDF
from tests.support.radiology import service_settings
from tests.support.serving import serving
from tests.support.upload_client import form_of

SEND = """async ([address, operations, map, text]) => {
  const form = new FormData();
  form.append("operations", operations);
  form.append("map", map);
  form.append("0", new File([text], "file"));
  const here = address.startsWith(location.origin + "/");
  if (!here) return fetch(address, {method: "POST", body: form, mode: "no-cors"}).catch(() => "nothing to read");
  return (await fetch(address, {method: "POST", body: form})).json();
}"""


@pytest.fixture
def address(ingested, embedder):
    with serving(create_app(service_settings(ingested, api_embedder_url=embedder))) as address:
        yield address


@pytest.fixture
def elsewhere():
    """Another site, as far as browsers are concerned: another port."""

    async def page(request):
        return HTMLResponse("<title>Elsewhere</title>")

    with serving(Starlette(routes=[Route("/", page)])) as address:
        yield address


def answers(status: str) -> float:
    found = [
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "medsearch_requests_total" and sample.labels["method"] == "POST" and sample.labels["status"] == status
    ]
    return sum(found)


def test_the_page_sends_a_file_and_another_site_cannot(browser, address, elsewhere):
    fields = form_of("query($f: Upload!) { embedding(upload: $f) { format } }")
    given = [f"{address}/graphql", fields["operations"], fields["map"], PDF.decode()]
    page = browser.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")  # the page asks for itself too, and is counted
    (error,) = page.evaluate(SEND, given)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "(not_an_image)" in error["message"]
    answered, refused = answers("200"), answers("403")
    page.goto(elsewhere)
    assert page.evaluate(SEND, given) == "nothing to read"
    assert (answers("200"), answers("403")) == (answered, refused + 1)
    page.close()
