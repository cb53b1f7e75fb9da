"""`citypoints settle report` on the worked days."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.command_line import CommandLine
from tests.settlement.reports.conftest import KEY_SECRET, Settled
from tests.settlement.reports.worked_days import FIRST, THIRD


@pytest.fixture
def command(settled: Settled, tmp_path: Path) -> CommandLine:
    variables = {"DATABASE_URL": settled.database.service_url, "CITYPOINTS_LEDGER_KEY": KEY_SECRET.hex()}
    return CommandLine(tmp_path / "data", variables)


def test_a_statement_is_written_into_a_file(settled: Settled, command: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "statement.pdf"
    batch = settled.batch(FIRST)
    said = command.done("settle", "report", "statement", "--batch", batch, "--party", "CINEMA", "--out", str(out))
    assert said.startswith(f"Wrote {out}")
    text = PdfReader(out).pages[0].extract_text()
    assert "结算对账单" in text
    assert "10.60" in text


def test_json_goes_to_standard_output_and_is_what_http_answers(settled: Settled, command: CommandLine) -> None:
    batch = settled.batch(THIRD)
    options = ("--batch", batch, "--language", "en", "--format", "json")
    written = json.loads(command.done("settle", "report", "reserve-proof", *options))
    assert written == settled.report(THIRD, "reserve-proof")


def test_the_transactions_of_a_line_are_a_workbook(settled: Settled, command: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "line.xlsx"
    options = ("--batch", settled.batch(FIRST), "--party", "CINEMA", "--line", "1", "--format", "xlsx")
    command.done("settle", "report", "statement", *options, "--out", str(out))
    sheet = load_workbook(BytesIO(out.read_bytes()))["交易明细"]
    assert {row[5] for row in sheet.iter_rows(min_row=2, values_only=True)} == {1_001, 199}


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (("weather",), 2, "wanted one of statement, trial-balance"),
        (("statement",), 2, "--party"),
        (("ageing", "--party", "CINEMA"), 2, "--party"),
        (("ageing", "--line", "1"), 2, "--line"),
        (("ageing", "--language", "fr"), 2, "wanted one of en, zh"),
        (("ageing", "--format", "doc"), 2, "wanted one of json, xlsx, pdf"),
        (("roll-forward", "--since", "yesterday"), 2, "wanted a date"),
        (("statement", "--party", "NOBODY"), 1, "no partner has the code 'NOBODY'"),
        (("statement", "--party", "CINEMA", "--line", "9"), 1, "no line 9"),
        (("ageing", "--out", "/nowhere/at/all.pdf"), 1, "cannot be written"),
    ],
)
def test_what_cannot_be_reported_is_said_in_one_line(
    settled: Settled, command: CommandLine, arguments: tuple[str, ...], code: int, wanted: str
) -> None:
    assert wanted in command.fails("settle", "report", *arguments, "--batch", settled.batch(FIRST), code=code)


def test_an_unknown_batch_is_named(command: CommandLine) -> None:
    said = command.fails("settle", "report", "ageing", "--batch", "CITY-20200101-1")
    assert "CITY-20200101-1" in said
