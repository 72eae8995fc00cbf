"""The filters of the schema, and how they become the index's."""

from dataclasses import fields
from datetime import date

import strawberry

from medsearch_api.schema.enums import Sex
from medsearch_api.schema.errors import LimitExceeded
from medsearch_core.search.query import Filters

MAX_VALUES = 200


def _values(description: str) -> list[str]:
    return strawberry.field(default_factory=list, description=description)


@strawberry.input(
    name="Filters",
    description=(
        "What a hit must be. Fields combine by AND, values within a field by OR; an empty field asks nothing. Ranges include "
        "both ends. A report matches modality, body part, view and laterality by any image of its study, an image matches "
        "reports by its study's report."
    ),
)
class FiltersInput:
    patients: list[str] = _values("Patient keys.")
    studies: list[str] = _values("Study keys.")
    reports: list[str] = _values("Report ids.")
    modalities: list[str] = _values("Modality (0008,0060), e.g. DX.")
    body_parts: list[str] = _values("BodyPartExamined (0018,0015), e.g. CHEST.")
    views: list[str] = _values("ViewPosition (0018,5101), e.g. PA.")
    lateralities: list[str] = _values("Laterality, L or R.")
    sexes: list[Sex] = strawberry.field(default_factory=list, description="Sex of the patient.")
    tags: list[str] = _values("Tags people gave the study, spelled as they gave them.")
    min_age_years: float | None = strawberry.field(default=None, description="Youngest age in years.")
    max_age_years: float | None = strawberry.field(default=None, description="Oldest age in years.")
    from_date: date | None = strawberry.field(default=None, description="First day of the study.")
    to_date: date | None = strawberry.field(default=None, description="Last day of the study.")
    present: list[str] = _values("ICD-10-CM codes the report says are present; all must hold. J18 also matches J18.9.")
    absent: list[str] = _values("ICD-10-CM codes the report says are absent; all must hold.")
    uncertain: list[str] = _values("ICD-10-CM codes the report is unsure of; all must hold.")
    without_patients: list[str] = _values("Patient keys to leave out.")
    without_studies: list[str] = _values("Study keys to leave out.")
    without_reports: list[str] = _values("Report ids to leave out, with the images of their studies.")
    without_images: list[str] = _values("Image ids to leave out; concerns images alone.")
    without_present: list[str] = _values(
        "ICD-10-CM codes that the report must not say are present; none may hold. What it says is absent or uncertain stays, "
        "and so does what has no report."
    )


_LISTS = tuple(f.name for f in fields(Filters) if f.default == ())


def parse_filters(filters_input: FiltersInput | None) -> Filters:
    """The index's filters.

    Raises:
        LimitExceeded: a field holds more than `MAX_VALUES` values.
    """
    if filters_input is None:
        return Filters()
    lists = {name: tuple(getattr(filters_input, name)) for name in _LISTS}
    for name, values in lists.items():
        if len(values) > MAX_VALUES:
            raise LimitExceeded(f"the filter {name} may hold at most {MAX_VALUES} values")
    lists["sexes"] = tuple(sex.value for sex in filters_input.sexes)
    return Filters(
        **lists,
        min_age_years=filters_input.min_age_years,
        max_age_years=filters_input.max_age_years,
        from_date=filters_input.from_date.isoformat() if filters_input.from_date else None,
        to_date=filters_input.to_date.isoformat() if filters_input.to_date else None,
    )
