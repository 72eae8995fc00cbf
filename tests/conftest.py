"""What every test may use, the order of test modules, what a quick run is, that CI accepts no skipped test, and GPUs."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from medsearch_core.process.signals import heed_signals
from tests.support.examples import load_profile
from tests.support.no_processes import NoProcesses
from tests.support.shared import share

os.environ["PYTHON_DOTENV_DISABLED"] = "1"  # a developer's own .env changes no test

HAS_GPU = any(Path("/dev").glob("nvidia[0-9]*"))
TESTS = Path(__file__).parent
LONGEST = (
    "end_to_end/test_demo.py",
    "end_to_end/test_hospital_day.py",
    "end_to_end/test_up.py",
    "end_to_end/test_processes.py",
    "pipeline/ecs/test_backfill_on_ecs.py",
    "end_to_end/test_code_server_away.py",
    "core/dicom/test_second_decoder.py",
    "end_to_end/test_killed_run.py",
    "pipeline/sensors/test_ingest_sensor_daemon.py",
    "pipeline/models/test_engines.py",
    "pipeline/cli/test_ingest.py",
    "pipeline/releases/test_reindex.py",
    "pipeline/ledger/test_ledger_runs.py",
    "pipeline/sensors/test_missing_model.py",
    "pipeline/upkeep/test_upkeep_runs.py",
    "deployment/test_opensearch_secured.py",
    "core/search/test_opensearch.py",
    "core/search/test_opensearch_lease.py",
    "pipeline/models/test_torch_engine.py",
    "pipeline/models/test_availability.py",
    "core/search/test_killed_writers.py",
    "core/search/test_every_release.py",
    "core/search/test_every_index.py",
    "core/search/test_every_answer.py",
    "pipeline/embedder/test_embedder_service.py",
    "pipeline/orchestration/test_postgres.py",
)
"""Modules that wait most, the longest first: begun last, one of them would run alone while the other processes have nothing."""

SLOW = (
    *LONGEST,
    "api/dicomweb/",
    "api/http/test_process.py",
    "api/imaging/test_decoders.py",
    "api/imaging/test_frames.py",
    "api/imaging/test_values.py",
    "api/page/",
    "api/sign_in/page/test_sign_in_browser.py",
    "api/uploads/",
    "core/reports/test_read.py::test_reading_needs_no_icd_package",
    "core/search/test_embedded.py",
    "core/search/test_embedded_damage.py",
    "core/search/test_every_",
    "core/workers/",
    "deployment/",
    "end_to_end/",
    "fuzz/",
    "pipeline/alerts/",
    "pipeline/checks/",
    "pipeline/cli/",
    "pipeline/demo/test_demo_landing.py",
    "pipeline/ecs/",
    "pipeline/embedder/",
    "pipeline/intake/test_events_",
    "pipeline/intake/test_file_inspection.py::test_files_are_inspected_in_worker_processes",
    "pipeline/intake/test_file_inspection.py::test_a_file_that_exhausts_its_process_costs_that_file_alone",
    "pipeline/ledger/test_ledger_runs.py",
    "pipeline/models/",
    "pipeline/orchestration/",
    "pipeline/releases/",
    "pipeline/sensors/",
    "pipeline/studies/",
    "pipeline/supervision/test_launchers.py",
    "pipeline/supervision/test_processes.py",
    "pipeline/supervision/test_run_news.py",
    "pipeline/test_definitions.py",
    "pipeline/test_dg.py",
    "pipeline/upkeep/test_older_version.py",
    "pipeline/upkeep/test_pruning.py",
    "pipeline/webserver/test_private_files.py",
    "pipeline/webserver/test_webserver.py",
    "pipeline/workers/",
)
"""Beginnings of the names of tests that start processes or servers, load a model or take seconds: not of `make quick`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave slow tests out, let none start a process, try fewer examples")


def pytest_configure(config: pytest.Config) -> None:
    """Also where a script started the tests in the background: what they start must end when it is told to."""
    heed_signals()
    share(config)
    load_profile(is_quick=config.getoption("quick"))
    if config.getoption("quick"):
        config.pluginmanager.register(NoProcesses(), "no processes")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A quick run does not even import what it leaves out."""
    is_left_out = collection_path.is_relative_to(TESTS) and is_slow(collection_path.relative_to(TESTS).as_posix())
    return True if config.getoption("quick") and is_left_out else None


def pytest_report_header() -> str:
    return "tests marked gpu: run" if HAS_GPU else "tests marked gpu: deselected, for this machine has no CUDA device"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting imports stays: the garbage collector looks at it neither meanwhile nor in any test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest modules first, `slow` marked. A test that needs a GPU is no skipped test where there is none."""
    for item in items:
        if is_slow(item.nodeid.removeprefix("tests/")) or "ingested" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    unwanted = ([] if HAS_GPU else ["gpu"]) + (["slow"] if config.getoption("quick") else [])
    left_out = {item for item in items if any(map(item.get_closest_marker, unwanted))}
    config.hook.pytest_deselected(items=[*left_out])
    first = {TESTS / module: place for place, module in enumerate(LONGEST)}
    items[:] = sorted((item for item in items if item not in left_out), key=lambda item: first.get(item.path, len(first)))


def is_slow(name: str) -> bool:
    """Whether `SLOW` names a test, a file or a folder below this one."""
    return name.startswith(SLOW)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    gc.unfreeze()  # or nanobind tells at the end of leaks that are none
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a real S3 API on loopback."""
    from tests.support.s3 import s3_server  # moto, which most tests do without

    with s3_server() as address:
        yield address


@pytest.fixture
def s3_bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket's name, with credentials in the environment as a task role would put them there."""
    from tests.support.s3 import CREDENTIALS, bucket_at

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with bucket_at(s3_endpoint) as bucket:
        yield bucket
