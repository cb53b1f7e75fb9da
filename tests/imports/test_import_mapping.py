"""Mappings: what is refused, and that the refusal names the entry, what was got and what is wanted."""

from pathlib import Path

import pytest

from ledger.errors import ImportMappingInvalid
from ledger.posting.import_mapping import check_header, check_set_up, read_mapping
from tests.builders import SUPERMARKET, programme, registry

SAMPLE = (Path(__file__).resolve().parents[2] / "docs" / "samples" / "shop_invoices.toml").read_text()
HEADER = ["invoice", "invoice_at", "customer", "country", "amount_pence"]

BASE = """
programme = "CITY"
scene = "food"
key = { column = "receipt" }
member = { column = "member" }
points = { column = "points" }
"""


def refused(document: str | bytes) -> ImportMappingInvalid:
    with pytest.raises(ImportMappingInvalid) as caught:
        read_mapping(document.encode() if isinstance(document, str) else document)
    return caught.value


def test_the_sample_mapping_fits_its_sample() -> None:
    check_header(read_mapping(SAMPLE.encode()), HEADER)


@pytest.mark.parametrize(
    ("document", "entry", "got"),
    [
        (BASE + 'colour = "red"', "colour", "an unknown entry"),
        (BASE + "occurred_at = { column = 'at', zone = 'UTC' }", "occurred_at.zone", "an unknown entry"),
        (BASE.replace('programme = "CITY"', ""), "programme", "nothing"),
        (BASE.replace("receipt", "x").replace("column = ", "kolumn = ", 1), "key.kolumn", "an unknown entry"),
        (BASE.replace('"CITY"', "7"), "programme", "`int`"),
        (BASE.replace('"food"', '"fun"'), "scene", "fun"),
        (BASE + 'channel = "pigeon"', "channel", "pigeon"),
        (BASE + 'outlet = "a b"', "outlet", "a b"),
        (BASE + 'format = "xlsx"', "format", "xlsx"),
        (BASE + 'encoding = "utf-16"', "encoding", "utf-16"),
        (BASE + 'delimiter = ";;"', "delimiter", ";;"),
        (BASE + 'zone = "Europe/Atlantis"', "zone", "Europe/Atlantis"),
        (BASE + 'zone = "../etc/passwd"', "zone", "../etc/passwd"),
        (BASE + "occurred_at = { column = 'at', format = '%H:%M' }", "occurred_at.format", "%H:%M"),
        (BASE + "occurred_at = { column = 'at', format = '%d/%m/%Y %' }", "occurred_at.format", "%d/%m/%Y %"),
        (BASE + "spend = { column = 'x', currency = 'CNY' }", "spend", "both"),
        (BASE.replace('points = { column = "points" }', ""), "spend", "neither"),
        (BASE + "cancellation = { column = 'x', prefix = 'C' }", "cancellation", "no spend"),
        (BASE.replace('{ column = "receipt" }', "{ column = [] }"), "key.column", "no column"),
        (BASE.replace('"member" }', '"member", by = "name" }'), "member.by", "name"),
        (BASE.replace('"member" }', '"m", by = "card" }') + "create_members = true", "create_members", "true"),
        (BASE + "format = 'ndjson'\ncolumns = ['a']", "columns", "a list"),
        (SAMPLE.replace('prefix = "C"', ""), "cancellation", "both or neither"),
        (SAMPLE.replace('prefix = "C"', 'prefix = ""'), "cancellation.prefix", "nothing"),
        (SAMPLE.replace('[occurred_at]\ncolumn = "invoice_at"', ""), "cancellation", "no occurred_at"),
        (SAMPLE.replace('unit = "minor"', 'unit = "pence"'), "spend.unit", "pence"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_name(document: str, entry: str, got: str) -> None:
    error = refused(document)
    assert (error.facts["field"], error.facts["got"]) == (entry, got)
    assert error.facts["wanted"]
    assert entry in error.detail


@pytest.mark.parametrize("document", [b"", b"\xff\xfe", b"programme = ", b"a = [" * 10_000, b"\x00" * 70_000])
def test_what_is_no_mapping_is_refused(document: bytes) -> None:
    assert refused(document).facts["wanted"]


def test_columns_that_the_file_lacks_or_has_twice_are_refused() -> None:
    mapping = read_mapping(SAMPLE.encode())
    with pytest.raises(ImportMappingInvalid) as missing:
        check_header(mapping, ["invoice", "invoice_at", "client", "amount_pence"])
    assert missing.value.facts["field"] == "member.column"
    assert missing.value.facts["got"] == "customer, which is missing in the file"
    with pytest.raises(ImportMappingInvalid) as twice:
        check_header(mapping, [*HEADER, "customer"])
    assert twice.value.facts["got"] == "customer, which is twice in the file"


def test_comments_and_layout_do_not_change_what_a_mapping_is() -> None:
    mapping = read_mapping(SAMPLE.encode())
    assert read_mapping(("# A comment.\n\n" + SAMPLE).encode()).digest() == mapping.digest()
    assert read_mapping(SAMPLE.replace('"leisure"', '"food"').encode()).digest() != mapping.digest()


def test_a_mapping_whose_every_line_would_be_refused_is_refused_first() -> None:
    mapping = read_mapping(BASE.encode())
    check_set_up(mapping, SUPERMARKET, registry(programme()))
    for changed, field in (
        (programme(code="OTHER"), "programme"),
        (programme(issuers=frozenset()), "programme"),
        (programme(is_open=False), "programme"),
    ):
        with pytest.raises(ImportMappingInvalid) as caught:
            check_set_up(mapping, SUPERMARKET, registry(changed))
        assert caught.value.facts["field"] == field
