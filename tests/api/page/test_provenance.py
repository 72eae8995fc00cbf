"""Where an image that was really ingested comes from, down to the runs that made what is known of it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.page import opened, served
from tests.support.radiology import NEGATIVE_KEY, images_in


def test_an_image_names_its_source_and_the_runs_of_its_assets(browser, ingested):
    (row,) = images_in(ingested)["negative.dcm"]
    with served(ingested) as address, opened(browser, f"{address}/#/image/{row.image_id}") as page:
        page.locator(".provenance summary").click()
        told = page.locator(".provenance dl")
        expect(told).to_contain_text(NEGATIVE_KEY)
        expect(told).to_contain_text(row.sha256)
        expect(told.locator("div", has=page.get_by_text("dicom_metadata", exact=True))).to_contain_text("run ")
