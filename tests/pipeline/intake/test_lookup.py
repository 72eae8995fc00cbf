"""Looking at named keys in a real bucket: there, gone, unspeakable, or not to be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsearch_core.errors import ObjectForbidden, StorageError
from medsearch_core.storage.object_store import ObjectInfo, S3Options
from medsearch_core.storage.open import open_store
from medsearch_pipeline.intake.lookup import look_up
from tests.pipeline.intake.conftest import PREFIX, Site
from tests.support.examples import examples

KEYS = ["files/p10/a.dcm", "with space & ünïcode (1).dcm", "a+b.dcm", "100%25.dcm", "..a/b..", "x#3", "back\\slash"]
UNADDRESSABLE = ["folder/", "/lead", "a//b", "./x", "a/../b", "line\nbreak", "del\x7f"]


def test_each_key_is_seen_as_it_is_listed_or_gone(site: Site) -> None:
    for key in KEYS:
        site.landing.write(key, key.encode())
    looked = look_up(site.landing, [*KEYS, "gone.dcm"])
    assert looked.seen == {**{info.key: info for info in site.landing.list()}, "gone.dcm": None}
    assert len(looked.seen) == len(KEYS) + 1
    assert (looked.unaddressable, looked.failed) == ([], {})


def test_a_key_that_the_store_cannot_be_asked_for_is_named_and_not_taken_for_gone_or_for_another(site: Site) -> None:
    site.landing.write("lead", b"another object, which /lead would be taken for")
    for key in ("folder/", "/lead", "a//b"):
        site.client("s3").put_object(Bucket=site.bucket, Key=f"{PREFIX}/{key}", Body=b"x")
    looked = look_up(site.landing, [*UNADDRESSABLE, "lead"])
    assert looked.unaddressable == UNADDRESSABLE
    assert list(looked.seen) == ["lead"]


ANY_KEYS = st.lists(st.text(st.sampled_from("a./#%\\ü\x00\x1f\x7f\x80?*"), min_size=1, max_size=6), unique=True, min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(10), deadline=None)
@given(keys=ANY_KEYS)
def test_any_key_is_asked_for_or_named(site: Site, keys: list[str]) -> None:
    looked = look_up(site.landing, keys)
    assert sorted([*looked.seen, *looked.unaddressable]) == sorted(keys)
    assert set(looked.seen.values()) <= {None}


def test_a_bucket_that_is_gone_is_not_one_whose_objects_are_gone(site: Site) -> None:
    gone = open_store("s3://no-such-bucket/landing", S3Options(site.endpoint, "us-east-1"))
    with pytest.raises(StorageError, match="cannot list"):
        look_up(gone, ["a"])


def test_a_bucket_that_goes_meanwhile_is_not_one_whose_objects_are_gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = site.landing
    landing.write("a", b"x")
    info = type(landing).info

    def drop_the_bucket(store: object, key: str) -> ObjectInfo:
        landing.delete("a")
        site.client("s3").delete_bucket(Bucket=site.bucket)
        return info(landing, key)

    monkeypatch.setattr(type(landing), "info", drop_the_bucket)
    with pytest.raises(StorageError, match="cannot list"):
        look_up(landing, ["a"])


def test_one_object_that_cannot_be_looked_at_is_named_beside_the_others(tmp_path: Path) -> None:
    landing = open_store(str(tmp_path))
    landing.write("a", b"x")
    landing.write("file", b"x")
    looked = look_up(landing, ["a", "file/below", "n" * 300])
    assert list(looked.seen) == ["a"]
    assert {key: type(error) for key, error in looked.failed.items()} == {
        "file/below": ObjectForbidden,
        "n" * 300: StorageError,
    }


def test_a_store_that_fails_at_every_key_has_failed(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot look at"):
        look_up(open_store(str(tmp_path)), ["n" * 300, "m" * 300])
