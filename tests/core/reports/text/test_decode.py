from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsearch_core.errors import BadInput
from medsearch_core.records import REASONS
from medsearch_core.reports.text.decode import decode_report

SENTENCE = "Kein Pleuraerguss. Größe unauffällig, no effusion"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (SENTENCE.encode("utf-8"), "utf-8"),
        (SENTENCE.encode("utf-8-sig"), "utf-8"),
        (SENTENCE.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + SENTENCE.encode("utf-16-be"), "utf-16"),
        (SENTENCE.encode("utf-16-le"), "utf-16"),
        (SENTENCE.encode("utf-16-be"), "utf-16"),
        (SENTENCE.encode("cp1252"), "windows-1252"),
    ],
)
def test_a_report_is_read_in_its_encoding_without_its_byte_order_mark(data: bytes, encoding: str) -> None:
    assert decode_report(data) == (SENTENCE, encoding)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00 not utf-8 \x80\x81",
        b"No effusion \x81 here",
        b"No effusion \x00 here",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "No effusion".encode("utf-16-le")[:-1],
        b"\x01\x00" * 20,
        "肺は清明です。".encode("utf-16"),
        bytes(range(0xA0, 0x100)),
        b"\xef\xbb\xbfNo effusion \xff",
    ],
)
def test_noise_is_refused_as_undecodable(data: bytes) -> None:
    with pytest.raises(BadInput) as refusal:
        decode_report(data)
    assert refusal.value.reason == "undecodable_text"
    assert "effusion" not in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty_object"), (b" \r\n\t\f ", "empty_report"), (b"---\n___", "empty_report"), (b"\xef\xbb\xbf", "empty_report")],
)
def test_a_report_without_a_word_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as refusal:
        decode_report(data)
    assert refusal.value.reason == reason


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_a_reason_of_the_contract(data: bytes) -> None:
    try:
        text, encoding = decode_report(data)
    except BadInput as error:
        text, encoding, reason = "", "", error.reason
    else:
        reason = ""
    assert reason in REASONS if not text else encoding in ("utf-8", "utf-16", "windows-1252")
