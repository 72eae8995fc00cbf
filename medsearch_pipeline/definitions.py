"""The code location: what Dagster loads, in the code server and in every run, with the settings of that moment."""

from medsearch_core.process.environment import load_settings
from medsearch_core.process.permissions import keep_files_private
from medsearch_core.process.signals import heed_signals
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.orchestration.run_processes import fork_runs
from medsearch_pipeline.settings import Settings

heed_signals()
keep_files_private()  # of this process and of the runs and workers it starts
fork_runs()
defs = build_definitions(load_settings(Settings))
