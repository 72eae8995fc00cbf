"""The view of a projection by its codes: ViewCodeSequence (0054,0220) and ViewModifierCodeSequence (0054,0222)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import item, items, text

VIEWS = {
    ("399260004", "R-10224"): "ML",
    ("399368009", "R-10226"): "MLO",
    ("399352003", "R-10228"): "LM",
    ("399099002", "R-10230"): "LMO",
    ("399162004", "R-10242"): "CC",
    ("399196006", "R-10244"): "FB",
    ("399188001", "R-102D0"): "SIO",
    ("441555000", "R-40AAA"): "ISO",
    ("399192008", "R-1024A", "Y-X1770"): "XCCL",
    ("399101009", "R-1024B", "Y-X1771"): "XCCM",
    ("399348003", "R-10206"): "AP",
    ("272479007", "R-10214", "R-40888"): "PA",
    ("399173006", "R-10236"): "LL",
    ("399198007", "R-10232"): "RL",
}
"""Codes of SNOMED CT and SNOMED RT → the names of PS3.16 CID 4014, and those of ViewPosition in CR images (PS3.3 C.8.1.1)."""
MODIFIERS = {
    ("399161006", "R-102D2"): "CV",
    ("399011000", "R-102D1"): "AT",
    ("399197002", "R-102D3"): "RL",
    ("399226006", "R-102D4"): "RM",
    ("414493004", "R-102CA"): "RI",
    ("415670009", "R-102C9"): "RS",
    ("399209000", "R-102D5"): "ID",
    ("399163009", "R-102D6"): "M",
    ("399055006", "R-102D7"): "S",
    ("399110001", "R-102C2"): "TAN",
    ("442581004", "R-40AB3"): "NP",
    ("441752004", "P2-00161"): "AC",
    ("442593008", "R-40ABE"): "IMF",
    ("442580003", "R-40AB2"): "AX",
}
"""Likewise, of PS3.16 CID 4015."""
SCHEMES = ("SCT", "SRT", "SNM3", "99SDM")
"""The designators of SNOMED CT and, with older ones, of SNOMED RT (PS3.16 section 8). The codes of the two differ in form."""
MAX_MODIFIERS = 8

_VIEWS = {code: name for codes, name in VIEWS.items() for code in codes}
_MODIFIERS = {code: name for codes, name in MODIFIERS.items() for code in codes}


def coded_view(ds: Dataset) -> str | None:
    """The name of the coded view; None if there is none, or another."""
    view = item(ds, "ViewCodeSequence")
    return _VIEWS.get(_code(view)) if view is not None else None


def view_position(ds: Dataset) -> str | None:
    """ViewPosition, else the coded view."""
    return text(ds, "ViewPosition") or coded_view(ds)


def view_modifiers(ds: Dataset) -> list[str] | None:
    """The names of the coded view's modifiers, in order; None if it has none of those above.

    They are items of the view (PS3.3 C.8.11.7), and of the object where a writer has put them there.
    """
    view = item(ds, "ViewCodeSequence")
    found = [
        each for holder in (view, ds) if holder is not None for each in items(holder, "ViewModifierCodeSequence", MAX_MODIFIERS)
    ]
    names = dict.fromkeys(name for each in found if (name := _MODIFIERS.get(_code(each))))
    return list(names) or None


def _code(of: Dataset) -> str:
    """The code, if it is one of SNOMED."""
    return (text(of, "CodeValue") or "") if text(of, "CodingSchemeDesignator") in SCHEMES else ""
