"""The schema's filters, and their conversion to the index's filters."""

from dataclasses import fields
from datetime import date

import strawberry
from strawberry.utils.str_converters import to_camel_case

from medsearch_api.schema.enums import Sex
from medsearch_api.schema.errors import LimitExceeded
from medsearch_core.errors import InvalidQuery
from medsearch_core.search.facets import add_facets
from medsearch_core.search.query import Filters

MAX_VALUES = 200
RANGES = (("min_age_years", "max_age_years"), ("from_date", "to_date"))


def _values(description: str) -> list[str]:
    return strawberry.field(default_factory=list, description=description)


@strawberry.input(
    name="Filters",
    description=(
        "Conditions on hits. Fields combine with AND, values within a field with OR; an empty field matches everything. Ranges "
        "include both ends. A report matches modality, body part, view and laterality if any image of its study does; an image "
        "matches report conditions through its study's report."
    ),
)
@add_facets(after="reports", name=lambda facet: facet.name, hint=list[str], default=lambda facet: _values(facet.description))
class FiltersInput:
    patients: list[str] = _values("Patient keys.")
    studies: list[str] = _values("Study keys.")
    reports: list[str] = _values("Report IDs.")
    sexes: list[Sex] = strawberry.field(default_factory=list, description="Sex of the patient.")
    tags: list[str] = _values("User-assigned tags of the study, spelled exactly as assigned.")
    min_age_years: float | None = strawberry.field(default=None, description="Minimum age in years.")
    max_age_years: float | None = strawberry.field(default=None, description="Maximum age in years.")
    from_date: date | None = strawberry.field(default=None, description="Earliest study date.")
    to_date: date | None = strawberry.field(default=None, description="Latest study date.")
    present: list[str] = _values(
        "ICD-10-CM codes that the report states as present or probable; all must match. J18 also matches J18.9."
    )
    absent: list[str] = _values("ICD-10-CM codes that the report states as absent; all must match.")
    uncertain: list[str] = _values("ICD-10-CM codes that the report states as possible or unlikely; all must match.")
    without_patients: list[str] = _values("Patient keys to exclude.")
    without_studies: list[str] = _values("Study keys to exclude.")
    without_reports: list[str] = _values("Report IDs to exclude, with the images of their studies.")
    without_images: list[str] = _values("Image IDs to exclude; applies to images only.")
    without_present: list[str] = _values(
        "ICD-10-CM codes that the report must not state as present; none may match. Reports that state them as absent or "
        "uncertain still match, as do images without a report."
    )


_LISTS = tuple(f.name for f in fields(Filters) if f.default == ())


def parse_filters(filters_input: FiltersInput | None) -> Filters:
    """Convert the schema's filters to the index's.

    Raises:
        LimitExceeded: a field has more than `MAX_VALUES` values.
        InvalidQuery: a range ends before it begins.
    """
    if filters_input is None:
        return Filters()
    lists = {name: tuple(getattr(filters_input, name)) for name in _LISTS}
    for name, values in lists.items():
        if len(values) > MAX_VALUES:
            raise LimitExceeded(f"the filter {name} may have at most {MAX_VALUES} values")
    for start, end in RANGES:
        low, high = getattr(filters_input, start), getattr(filters_input, end)
        if low is not None and high is not None and low > high:
            raise InvalidQuery(f"{to_camel_case(start)} must not be greater than {to_camel_case(end)}")
    lists["sexes"] = tuple(sex.value for sex in filters_input.sexes)
    return Filters(
        **lists,
        min_age_years=filters_input.min_age_years,
        max_age_years=filters_input.max_age_years,
        from_date=filters_input.from_date.isoformat() if filters_input.from_date else None,
        to_date=filters_input.to_date.isoformat() if filters_input.to_date else None,
    )
