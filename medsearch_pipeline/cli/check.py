"""`medsearch check`: whether a deployment's setup works."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.readiness.finding import Finding
from medsearch_pipeline.settings import Settings

MARKS = {"ok": "ok", "warning": "warning", "problem": "PROBLEM"}


def print_checks(console: Console, settings: Settings, landing: str | None, is_json: bool) -> int:
    """Prints the findings; returns 1 if a problem keeps the system from working."""
    from medsearch_pipeline.readiness.run import blocks, run_checks

    if landing is not None:
        settings = settings.model_copy(update={"landing": landing})
    with Console(stderr=True).status("Checking …") as status:
        findings = run_checks(settings, on_check=lambda name: status.update(f"Checking {name} …"))
    if is_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            _print_finding(console, finding)
        console.print(_summary(findings), highlight=False)
    return int(blocks(findings))


def _print_finding(console: Console, finding: Finding) -> None:
    setting = f" ({finding.setting}={finding.value})" if finding.setting and finding.value is not None else ""
    line = f"{MARKS[finding.level]:<8} {finding.check}: {finding.message}{setting}"
    style = {"problem": "bold red", "warning": "yellow"}.get(finding.level)
    print_line(console, line, style)
    if finding.advice and finding.level != "ok":
        print_line(console, f"{'':<8} → {finding.advice}")


def _summary(findings: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level == level for finding in findings) for level in MARKS}
    return f"ok: {counts['ok']}, warnings: {counts['warning']}, problems: {counts['problem']}"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--landing", metavar="PLACE", help="folder or s3://bucket/prefix (MEDSEARCH_LANDING)")
    parser.add_argument("--json", dest="is_json", action="store_true", help="print a list of findings as JSON")


COMMANDS = (Command("check", "check stores, index, model, sign-in, Dagster and machine", print_checks, _add_arguments),)
