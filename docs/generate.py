"""The documentation that is made from code, so that it cannot fall behind it: `make docs` writes it, a test compares it."""

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
from medsearch_core.records import CHANGES, EXCLUSIONS, FIRST_VERSION, REASONS, STATES, TABLES, schema_of, version_of
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
        "Written from `medsearch_core/records.py` by `make docs`. Each table has a version of its own: a file of an earlier one is "
        "read, its new columns null, until it is made again ([how](adr/0023-table-versions.md)).",
        "Paths are below the warehouse's root. Files are zstd Parquet; the footer holds `medsearch.inputs`, the digest of what the "
        "file was made from, `medsearch.run`, the id of the Dagster run that wrote it (absent where none did, as under `tags`), and "
        "`medsearch.schema_version`; the inventory's also `medsearch.entries`, the journal's entries it contains. A study's files are replaced whole, each by one put. Columns marked **PHI** "
        "identify a person or hold report text: they stay in the warehouse and never reach logs, run metadata or URLs.",
        "`{patient}` and `{study}` are safe forms: MIMIC-CXR's own (`p10000032`, `s50414267`) where the object's key spells them, "
        "keyed hashes of PatientID and StudyInstanceUID elsewhere, which only the inventory can undo.",
        "Beside the tables lie `thumbnails/{patient}/{study}/{image_id}.png` and `pseudonym.key`, the secret behind the hashes.",
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
        f"## States of the ledger\n\nWhat is refused as {excluded} is excluded, anything else that is refused rejected."
    )
    parts.append("\n".join(["| state | meaning |", "|---|---|", *(f"| `{s}` | {m} |" for s, m in STATES.items())]))
    return "\n\n".join(parts) + "\n"


def settings_table() -> str:
    """docs/settings.md: every setting of the pipeline and of the service."""
    return (
        "# Settings\n\n"
        "Environment variables. `medsearch` and `medsearch-api` also read them from a file `.env` in the current folder, as Dagster "
        "does ([example](../.env.example)); what the environment already sets wins. A variable that begins with `MEDSEARCH_` and "
        "is not listed here is refused. Written from `medsearch_core/settings.py`, `medsearch_pipeline/settings/` and "
        "`medsearch_api/settings.py` by `make docs`. AWS credentials are never settings: a task "
        "role, a profile or the usual AWS variables give them.\n\n"
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
    """medsearch_core/setting_names.json: the names of all settings, so that each side refuses what neither has."""
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
    """A page with the part between its markers of that name put in."""
    begin, end = f"<!-- {name}: written by make docs -->", f"<!-- /{name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    if end not in rest:
        raise ValueError(f"{page.name} has no lines {begin} and {end}")
    return f"{before}{begin}\n{part}\n{end}{rest.partition(end)[2]}"


def facet_chips() -> str:
    """The page's table of the facets that are drawn as chips."""
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
        "// The facets of the index: filter, field that is counted, title, and key in an address. Written from\n"
        "// medsearch_core/search/facets.py by `make docs`.\n\n"
        "export const FACETS = [\n" + "".join(f"  {{ {row} }},\n" for row in spelled) + "];\n"
    )


PAGES = {
    WEB / "facets.js": facet_chips,
    DOCS / "data-contract.md": data_contract,
    DOCS / "settings.md": settings_table,
    DOCS.parent / "medsearch_core" / "setting_names.json": setting_names,
    DOCS / "operations.md": operations,
    **SCHEMAS,
}
"""Every file that is made from code, with what makes its text."""


def outdated_pages() -> list[Path]:
    """The files that differ from what the code says."""
    return [path for path, page in PAGES.items() if not path.exists() or path.read_text(encoding="utf-8") != page()]


def main(arguments: Sequence[str]) -> int:
    """Rewrites the files that are out of date; with `--check` only names them and returns 1."""
    outdated = outdated_pages()
    for path in outdated:
        print(path)
        if "--check" not in arguments:
            path.write_text(PAGES[path](), encoding="utf-8")
    return int("--check" in arguments and bool(outdated))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
