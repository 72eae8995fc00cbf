"""Translation of search parameters to SQL over the UID index (PS3.18 section 8.3.4, PS3.4 C.2.2.2).

Unsupported parameters are rejected. Belongs here: parsing and matching keys. Not here: the form of the response.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydicom.datadict import dictionary_description
from starlette.datastructures import QueryParams

from medsearch_api.dicomweb.attributes import ATTRIBUTES, Attribute, Level, find_keyword
from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.parameters import parse_count
from medsearch_core.errors import InvalidQuery

MAX_RESULTS = 1000
MAX_OFFSET = 10**9
MAX_UIDS = 500
MAX_CHARACTERS = 64 * MAX_UIDS
UID = re.compile(r"[0-9.]{1,64}")
_DATES = re.compile(r"(?P<day>\d{8})|(?P<first>\d{8})?-(?P<last>\d{8})?")
_TABLES = {Level.STUDY: "studies", Level.SERIES: "series", Level.INSTANCE: "instances"}
_JOINS = {
    Level.STUDY: "studies",
    Level.SERIES: "series JOIN studies USING (patient, study, study_instance_uid)",
    Level.INSTANCE: (
        "instances JOIN series USING (patient, study, study_instance_uid, series_instance_uid) "
        "JOIN studies USING (patient, study, study_instance_uid)"
    ),
}
_ORDERS = {
    Level.STUDY: "studies.study_date DESC NULLS LAST, study_instance_uid, patient, study",
    Level.SERIES: "studies.study_date DESC NULLS LAST, study_instance_uid, patient, study, series.series_number NULLS LAST, "
    "series_instance_uid",
    Level.INSTANCE: "studies.study_date DESC NULLS LAST, study_instance_uid, patient, study, series.series_number NULLS LAST, "
    "series_instance_uid, instances.instance_number NULLS LAST, sop_instance_uid",
}


@dataclass(frozen=True, slots=True)
class Search:
    """One search, ready to run.

    Args:
        keywords: attributes to return.
        sql: selects those attributes' columns and `total`, the number of all matches.
        parameters: the SQL's parameters.
    """

    level: Level
    keywords: list[str]
    sql: str
    parameters: list[Any]
    offset: int
    is_fuzzy: bool


@dataclass(slots=True)
class _Conditions:
    sql: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def add(self, sql: str, *parameters: Any) -> None:
        self.sql.append(sql)
        self.parameters += parameters


def parse_search(level: Level, path: Mapping[str, str], query: QueryParams, *, shows_identifiers: bool) -> Search:
    """Parse the search for a resource.

    Args:
        path: keyword → UID from the URL.
        query: attributes by keyword or tag, `includefield`, `limit`, `offset`, `fuzzymatching`.

    Raises:
        InvalidQuery: a parameter is unknown, malformed or unsupported. The message quotes no values: they may be patient data.
        RequestError: 403, a key is an identifier that the user may not see.
    """
    conditions, included, limit, offset, is_fuzzy = _Conditions(), list[str](), MAX_RESULTS, 0, False
    for keyword, uid in path.items():
        _match(conditions, keyword, uid)
    parsed = set(path)
    for name, value in query.multi_items():
        if name.lower() == "includefield":
            included += _include_fields(value, level)
            continue
        keyword = find_keyword(name) or name.lower()
        if keyword in parsed:
            raise InvalidQuery("a parameter is repeated; specify each parameter once")
        parsed.add(keyword)
        if keyword == "limit":
            limit = min(parse_count(keyword, value, 0, MAX_OFFSET), MAX_RESULTS)
        elif keyword == "offset":
            offset = parse_count(keyword, value, 0, MAX_OFFSET)
        elif keyword == "fuzzymatching":
            is_fuzzy = _parse_flag(value)
        else:
            _check_key(keyword, level, shows_identifiers)
            _match(conditions, keyword, value.strip())
    keywords = [k for k, a in ATTRIBUTES.items() if k in included or _is_default(k, a, level, path)]
    columns = ", ".join(_column(ATTRIBUTES[k]) for k in keywords if ATTRIBUTES[k].column)
    uids = ", ".join(f"{_TABLES[level]}.{uid}" for uid in _uids(level))
    sql = (
        f"SELECT {columns}, {uids}, count(*) OVER () AS total FROM {_JOINS[level]} "  # noqa: S608 - our own names only
        f"WHERE {' AND '.join(conditions.sql) or 'true'} ORDER BY {_ORDERS[level]} LIMIT {limit} OFFSET {offset}"
    )
    return Search(level, keywords, sql, conditions.parameters, offset, is_fuzzy)


def _uids(level: Level) -> list[str]:
    return ["study_instance_uid", "series_instance_uid", "sop_instance_uid"][:level]


def _column(attribute: Attribute) -> str:
    return f"{_TABLES[attribute.level]}.{attribute.column}"


def _is_default(keyword: str, attribute: Attribute, level: Level, path: Mapping[str, str]) -> bool:
    """Attributes of higher levels are returned only if the URL does not name that level (PS3.18 10.6.3.3), UIDs always."""
    if attribute.level > level or not attribute.is_default:
        return False
    named = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID"}
    return attribute.level == level or keyword in named.values() or named[attribute.level] not in path


def _include_fields(value: str, level: Level) -> Iterable[str]:
    """Yield attributes to return besides the defaults; unavailable ones are ignored, as the standard requires."""
    for name in value.split(","):
        if name == "all":
            yield from (k for k, a in ATTRIBUTES.items() if a.level <= level)
            continue
        keyword = find_keyword(name.strip())
        if keyword is None:
            raise InvalidQuery(
                "includefield names an unknown attribute or one inside a sequence; use keywords or tags of PS3.6"
            )
        if keyword in ATTRIBUTES and ATTRIBUTES[keyword].level <= level:
            yield keyword


def _check_key(keyword: str, level: Level, shows_identifiers: bool) -> None:
    attribute = ATTRIBUTES.get(keyword)
    if attribute is None or attribute.matching is None or attribute.level > level:
        supported = ", ".join(k for k, a in ATTRIBUTES.items() if a.matching and a.level <= level)
        raise InvalidQuery(f"only these attributes can be matched at this level: {supported}")
    if attribute.is_identifier and not shows_identifiers:
        raise RequestError(403, f"Only admins may search by {dictionary_description(keyword)}. Remove it from the query.")


def _match(conditions: _Conditions, keyword: str, value: str) -> None:
    """Add the condition of a key. An empty value or a lone asterisk matches everything (universal matching)."""
    attribute = ATTRIBUTES[keyword]
    if len(value) > MAX_CHARACTERS:
        raise InvalidQuery(f"{keyword} may have at most {MAX_CHARACTERS} characters")
    if value not in ("", "*"):
        _MATCHERS[attribute.matching or ""](conditions, keyword, _column(attribute), value)


def _match_uids(conditions: _Conditions, keyword: str, column: str, value: str) -> None:
    uids = re.split(r"[,\\]", value)
    if len(uids) > MAX_UIDS or not all(UID.fullmatch(uid) for uid in uids):
        raise InvalidQuery(f"{keyword} must be a list of at most {MAX_UIDS} UIDs, without wildcards")
    conditions.add(f"list_contains(?, {column})", uids)


def _match_dates(conditions: _Conditions, keyword: str, column: str, value: str) -> None:
    match = _DATES.fullmatch(value)
    if match is None or value == "-":
        raise InvalidQuery(f"{keyword} must be YYYYMMDD, YYYYMMDD-YYYYMMDD, YYYYMMDD- or -YYYYMMDD")
    if first := match["day"] or match["first"]:
        conditions.add(f"{column} >= ?", _parse_day(keyword, first))
    if last := match["day"] or match["last"]:
        conditions.add(f"{column} <= ?", _parse_day(keyword, last))


def _parse_day(keyword: str, digits: str) -> str:
    try:
        return datetime.strptime(digits, "%Y%m%d").date().isoformat()
    except ValueError:
        raise InvalidQuery(f"{keyword} contains a date that does not exist") from None


def _match_text(conditions: _Conditions, keyword: str, column: str, value: str) -> None:
    conditions.add(f"{column} LIKE ? ESCAPE '\\'", _pattern(keyword, value))


def _match_patient(conditions: _Conditions, keyword: str, column: str, value: str) -> None:
    """Match a PatientID, or the key by which medsearch shows the patient elsewhere."""
    conditions.add(f"({column} LIKE ? ESCAPE '\\' OR studies.patient = ?)", _pattern(keyword, value), value)


def _match_modalities(conditions: _Conditions, keyword: str, column: str, value: str) -> None:
    conditions.add(
        f"len(list_filter({column}, lambda m: m LIKE ? ESCAPE '\\')) > 0",
        _pattern(keyword, value),
    )


def _pattern(keyword: str, value: str) -> str:
    """Translate wildcards (PS3.4 C.2.2.2.4) to LIKE: * matches any characters, ? any one. Takes a single value."""
    if "\\" in value:
        raise InvalidQuery(f"{keyword} takes a single value")
    return re.sub(r"[%_]", r"\\\g<0>", value).replace("*", "%").replace("?", "_")


def _parse_flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise InvalidQuery("fuzzymatching must be true or false")
    return value == "true"


_MATCHERS: Mapping[str, Callable[[_Conditions, str, str, str], None]] = {
    "uid": _match_uids,
    "date": _match_dates,
    "text": _match_text,
    "patient": _match_patient,
    "modalities": _match_modalities,
}
