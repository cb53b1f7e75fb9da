"""Reading files: quotes, encodings, junk; and from every offset the same records as from the start."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ImportMappingInvalid, MalformedRequest
from ledger.posting.import_lines import MAXIMUM_RECORD_BYTES, ImportFile, Record, shown_content
from ledger.posting.import_mapping import Mapping, read_mapping

CSV = """
programme = "CITY"
scene = "food"
key = { column = "key" }
member = { column = "member" }
points = { column = "points" }
"""


def mapping(more: str = "") -> Mapping:
    return read_mapping((more + CSV).encode())


def records(content: bytes, more: str = "", offset: int = 0) -> list[Record]:
    return list(ImportFile(BytesIO(content), mapping(more)).records_from(offset))


def read(content: bytes, more: str = "") -> list[tuple[int, object]]:
    return [(r.line, str(r.fault) if r.fault else list(r.values)) for r in records(content, more)]


HEADER = b"key,member,points\n"


def test_plain_lines_are_split_and_trimmed_and_blank_lines_passed_over() -> None:
    assert read(HEADER + b"a, b ,1\r\n\n  \nc,d,2") == [(2, ["a", "b", "1"]), (5, ["c", "d", "2"])]


def test_quoted_values_may_hold_delimiters_quotes_and_line_breaks() -> None:
    content = HEADER + b'"a,1","say ""b""",3\n"two\nlines",m,4\nc,d,5\n'
    assert read(content) == [(2, ["a,1", 'say "b"', "3"]), (3, ["two\nlines", "m", "4"]), (5, ["c", "d", "5"])]


def test_a_stray_quote_fails_its_own_line_only() -> None:
    content = HEADER + b'"a,b,1\nc,d,2\ne,f,3\n'
    [first, *others] = read(content)
    assert first[0] == 2
    assert "quotes in pairs" in str(first[1])
    assert others == [(3, ["c", "d", "2"]), (4, ["e", "f", "3"])]


def test_a_wrong_number_of_columns_fails_the_line() -> None:
    assert read(HEADER + b"a,b\nc,d,2\n") == [
        (2, "the line: got 2 columns, wanted 3"),
        (3, ["c", "d", "2"]),
    ]


def test_bytes_that_are_no_text_fail_the_line_and_say_where() -> None:
    assert read(HEADER + b"a,\xff\xfe,1\nc,d,2\n") == [
        (2, "the line: got a byte 0xff at position 3, wanted text in utf-8"),
        (3, ["c", "d", "2"]),
    ]


def test_a_line_that_is_too_long_is_passed_over_whole() -> None:
    long = b"x" * (3 * MAXIMUM_RECORD_BYTES)
    for start in (long, b'"' + long, b"a,b,1\n" + long):
        content = HEADER + start + b"\nc,d,2\n"
        *_, failed, last = records(content)
        assert "more than 65536 bytes" in str(failed.fault)
        assert (list(last.values), last.end) == (["c", "d", "2"], len(content))
        assert failed.end == content.index(b"\nc,d,2") + 1


def test_a_stray_quote_before_a_line_that_is_too_long_loses_nothing() -> None:
    content = HEADER + b'"a,b,1\n' + b"x" * (2 * MAXIMUM_RECORD_BYTES) + b"\nc,d,2\n"
    first, second, third = records(content)
    assert first.end == len(HEADER) + 7
    assert second.fault is not None
    assert list(third.values) == ["c", "d", "2"]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read(b"\xef\xbb\xbf" + HEADER + b"a,b,1\n") == [(2, ["a", "b", "1"])]


def test_chinese_encodings_are_read() -> None:
    content = "key,member,points\n一,王,1\n".encode("gb18030")
    assert read(content, 'encoding = "gb18030"\n') == [(2, ["一", "王", "1"])]


def test_a_file_without_a_header_takes_its_columns_from_the_mapping() -> None:
    more = 'columns = ["points", "key", "member"]\ndelimiter = ";"\n'
    assert read(b"1;a;b\n", more) == [(1, ["1", "a", "b"])]


@pytest.mark.parametrize("content", [b"", b"\n", b"   \nkey,member,points", b"x" * 100_000, b'"key', b"\xff,\xfe\n"])
def test_a_file_without_a_readable_header_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedRequest) as caught:
        records(content)
    assert caught.value.facts["field"] == "file"


def test_a_file_of_other_columns_is_refused() -> None:
    with pytest.raises(ImportMappingInvalid):
        records(b"PK\x03\x04,a,b\n")


def test_ndjson_keeps_numbers_as_they_are_written() -> None:
    content = b'{"key": "a", "member": 17, "points": 12.50, "more": [1]}\n\n{"key": null}\n'
    assert read(content, 'format = "ndjson"\n') == [(1, ["17", "12.50", "a"]), (3, [None, None, None])]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[1]", "wanted a JSON object"),
        (b"{", "wanted a JSON object"),
        (b"\x00\x01", "wanted a JSON object"),
        (b'{"key": ' + b"[" * 50_000, "wanted a JSON object"),
        (b'{"key": true}', "column key: got true, wanted a text or a number"),
        (b'{"key": {"a": 1}}', "wanted a text or a number"),
        (b'{"key": "\\ud800"}', "wanted"),
    ],
)
def test_what_is_no_object_of_texts_and_numbers_fails_its_line(line: bytes, message: str) -> None:
    [(number, fault), after] = read(line + b'\n{"key": "b"}\n', 'format = "ndjson"\n')
    assert number == 1
    assert message in str(fault)
    assert after == (2, [None, None, "b"])


def test_content_is_shown_as_text_whatever_it_is() -> None:
    assert shown_content(b"a\x00b\xff\r\n") == "a\\x00b\\xff"


@given(st.lists(st.text(alphabet='a"\n\r,;é\x00', max_size=12), max_size=8), st.binary(max_size=40))
def test_from_the_end_of_any_record_the_rest_reads_alike(lines: list[str], junk: bytes) -> None:
    content = HEADER + "\n".join(lines).encode() + b"\n" + junk
    whole = records(content)
    for index, record in enumerate(whole):
        rest = records(content, offset=record.end)
        assert [(r.line, r.end, r.content, list(r.values), str(r.fault)) for r in rest] == [
            (r.line, r.end, r.content, list(r.values), str(r.fault)) for r in whole[index + 1 :]
        ]
    if whole:
        assert whole[-1].end <= len(content)
