"""The documentation generated from code: `make docs` writes it, a test checks that it is up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from pydantic import BaseModel
from strawberry.utils.str_converters import to_camel_case

from medsearch_api.schema.export import SCHEMAS
from medsearch_api.settings import Settings as ServiceSettings
from medsearch_core.columns import FIRST_VERSION, schema_of, version_of
from medsearch_core.records import CHANGES, EXCLUSIONS, REASONS, STATES, TABLES
from medsearch_core.search.facets import FACETS
from medsearch_core.settings import Deployment
from medsearch_pipeline.jobs import JOBS
from medsearch_pipeline.settings import Settings

DOCS = Path(__file__).resolve().parent
WEB = DOCS.parent / "medsearch_api" / "web"

_WHERE = {
    "inventory": "inventory.parquet",
    "intake": "intake/journal/{entry}.parquet",
    "catalogue": "catalogue.parquet",
    "ledger": "ledger.parquet",
    "rejections": "rejections/inventory.parquet and rejections/{asset}/{patient}/{study}.parquet",
}


def data_contract() -> str:
    """docs/data-contract.md: every table, column and rejection reason."""
    parts = [
        "# Data contract",
        "Generated from `medsearch_core/records.py` by `make docs`. Each table has its own version: files of an earlier version "
        "are read with new columns null until they are rewritten ([how](adr/0023-table-versions.md)).",
        "Paths are relative to the warehouse's root. Files are zstd Parquet; the footer contains `medsearch.inputs`, the digest of "
        "the file's inputs, `medsearch.run`, the ID of the Dagster run that wrote it (absent without a run, as under `tags`), and "
        "`medsearch.schema_version`; the inventory's also `medsearch.entries`, the journal entries it contains. A study's files are "
        "replaced completely, each by one put. Columns marked **PHI** identify a person or contain report text: they stay in the "
        "warehouse and never reach logs, run metadata or URLs.",
        "`{patient}` and `{study}` are safe keys: MIMIC-CXR's own (`p10000032`, `s50414267`) if the object's key contains them, "
        "otherwise keyed hashes of PatientID and StudyInstanceUID, which can be reversed only with the inventory.",
        "The warehouse also contains `thumbnails/{patient}/{study}/{image_id}.png` and `pseudonym.key`, the secret of the hashes.",
    ]
    for table, record in TABLES.items():
        where = _WHERE.get(table, f"{table}/{{patient}}/{{study}}.parquet")
        phi = {f.name for f in fields(record) if f.metadata["phi"]}
        since = {f.name: f.metadata["since"] for f in fields(record) if f.metadata["since"] != FIRST_VERSION}
        rows = [
            f"| `{f.name}`{' **PHI**' if f.name in phi else ''} | {f.type} | {'' if f.nullable else 'always'} "
            f"| {f.metadata[b'description'].decode()}{f' (since version {since[f.name]})' if f.name in since else ''} |"
            for f in schema_of(record)
        ]
        doc = (record.__doc__ or "").split(":", 1)[1].strip()
        parts.append(f"## `{table}`\n\n{doc[0].upper()}{doc[1:]} `{where}`, version {version_of(record)}")
        parts.append("\n".join(["| column | type | there | meaning |", "|---|---|---|---|", *rows]))
    parts.append("## Changes in the journal")
    parts.append("\n".join(["| change | meaning |", "|---|---|", *(f"| `{c}` | {m} |" for c, m in CHANGES.items())]))
    parts.append("## Reasons of rejection")
    parts.append("\n".join(["| reason | meaning |", "|---|---|", *(f"| `{r}` | {m} |" for r, m in REASONS.items())]))
    excluded = ", ".join(f"`{reason}`" for reason in EXCLUSIONS)
    parts.append(
        f"## States of the ledger\n\nObjects with the reasons {excluded} are excluded, those with any other reason rejected."
    )
    parts.append("\n".join(["| state | meaning |", "|---|---|", *(f"| `{s}` | {m} |" for s, m in STATES.items())]))
    return "\n\n".join(parts) + "\n"


def settings_table() -> str:
    """docs/settings.md: every setting of the pipeline and of the service."""
    return (
        "# Settings\n\n"
        "Settings are environment variables. `medsearch` and `medsearch-api`, like Dagster, also read them from a file `.env` in the "
        "current folder ([example](../.env.example)), or `medsearch` from `--env-file FILE`; the environment takes precedence. "
        "Variables that begin with `MEDSEARCH_` and are not listed here are rejected. Generated from `medsearch_core/settings.py`, "
        "`medsearch_pipeline/settings/` and `medsearch_api/settings.py` by `make docs`. AWS credentials are never settings: use a "
        "task role, a profile or the usual AWS variables.\n\n"
        + "\n\n".join(
            [
                f"## Shared\n\n{_settings_of(Deployment)}",
                f"## Pipeline\n\n{_settings_of(Settings, Deployment)}",
                f"## Service\n\n{_settings_of(ServiceSettings, Deployment)}",
            ]
        )
        + "\n"
    )


def _settings_of(model: type[BaseModel], without: type[BaseModel] = BaseModel) -> str:
    rows = []
    for name, field in model.model_fields.items():
        if name not in without.model_fields:
            shown = "" if field.default in (None, "") else f"`{field.default}`".replace("|", "\\|")
            rows.append(f"| `MEDSEARCH_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def setting_names() -> str:
    """medsearch_core/process/setting_names.json: the names of all settings, so that each side rejects unknown ones."""
    names = {f"MEDSEARCH_{name.upper()}" for settings in (Settings, ServiceSettings) for name in settings.model_fields}
    return json.dumps(sorted(names), indent=2) + "\n"


def operations() -> str:
    """docs/operations.md with the table of jobs."""
    rows = [
        f"| `{job.name}` | {job.description} | {', '.join(f'`{asset}`' for asset in job.assets)} "
        f"| {f'`MEDSEARCH_{job.cron.upper()}`' if job.cron else ''} |"
        for job in JOBS
    ]
    table = "\n".join(["| job | what for | materializes | scheduled by |", "|---|---|---|---|", *rows])
    return _with_part(DOCS / "operations.md", "jobs", table)


def _with_part(page: Path, name: str, part: str) -> str:
    """A page with the part between its markers of that name replaced."""
    begin, end = f"<!-- {name}: written by make docs -->", f"<!-- /{name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    if end not in rest:
        raise ValueError(f"{page.name} has no lines {begin} and {end}")
    return f"{before}{begin}\n{part}\n{end}{rest.partition(end)[2]}"


def facet_chips() -> str:
    """The page's table of the facets that are shown as chips."""
    rows = [
        {
            "name": to_camel_case(facet.name),
            "field": facet.name.upper(),
            "title": facet.title,
            "key": facet.title.lower().replace(" ", "-"),
        }
        for facet in FACETS
    ]
    spelled = [", ".join(f"{name}: {json.dumps(value)}" for name, value in row.items()) for row in rows]
    return (
        "// The facets of the index: filter, counted field, title, and key in the URL. Generated from\n"
        "// medsearch_core/search/facets.py by `make docs`.\n\n"
        "export const FACETS = [\n" + "".join(f"  {{ {row} }},\n" for row in spelled) + "];\n"
    )


PAGES = {
    WEB / "facets.js": facet_chips,
    DOCS / "data-contract.md": data_contract,
    DOCS / "settings.md": settings_table,
    DOCS.parent / "medsearch_core" / "process" / "setting_names.json": setting_names,
    DOCS / "operations.md": operations,
    **SCHEMAS,
}
"""Every generated file, with the function that returns its text."""


def outdated_pages() -> list[Path]:
    """The files that differ from their generated text."""
    return [path for path, page in PAGES.items() if not path.exists() or path.read_text(encoding="utf-8") != page()]


def main(arguments: Sequence[str]) -> int:
    """Rewrites the files that are out of date; with `--check` only lists them and returns 1."""
    outdated = outdated_pages()
    for path in outdated:
        print(path)
        if "--check" not in arguments:
            path.write_text(PAGES[path](), encoding="utf-8")
    return int("--check" in arguments and bool(outdated))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
