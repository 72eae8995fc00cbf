"""Which places of landing folder and output exclude each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.places import require_places_apart


def require(folder: Path, landing: str, home: str, **others: str) -> None:
    settings = Settings(
        landing=landing if "://" in landing else str(folder / landing),
        warehouse=str(folder / others.get("warehouse", f"{home}/warehouse")),
        index=str(folder / others.get("index", f"{home}/index")),
    )
    require_places_apart(settings, [folder / home, folder / others.get("dagster", f"{home}/dagster"), folder / home / "logs"])


@pytest.mark.parametrize(
    ("landing", "home", "others"),
    [
        ("mine", "mine/inside", {}),
        ("mine", "mine", {}),
        (".", ".medsearch", {}),
        ("link", "mine/inside", {}),
        ("mine", "home", {"warehouse": "mine/warehouse"}),
        ("mine", "home", {"index": "mine/index"}),
        ("mine", "home", {"dagster": "mine/dagster"}),
        ("home/warehouse", "home", {}),
        ("home/warehouse/inside", "home", {}),
        ("home/logs/inside", "home", {}),
        ("home/dagster", "home", {}),
    ],
)
def test_output_in_the_landing_folder_and_landing_in_output_are_refused(
    landing: str, home: str, others: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigurationError, match=r"give a --(home|landing) outside of it"):
        require(tmp_path, landing, home, **others)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("landing", "home", "others"),
    [
        ("mine", "mine2", {}),
        ("home/landing", "home", {}),
        ("s3://bucket/prefix", "home", {}),
        ("mine", "home", {"index": "elsewhere/index"}),
    ],
)
def test_places_beside_each_other_are_accepted(landing: str, home: str, others: dict[str, str], tmp_path: Path) -> None:
    require(tmp_path, landing, home, **others)
