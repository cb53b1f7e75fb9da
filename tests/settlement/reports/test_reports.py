"""Reports over HTTP on the worked days: every figure as worked by hand, in each format and language."""

from io import BytesIO
from typing import Any

import msgspec
import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from api.schemas.reports import ReportAnswer
from settlement.reports.catalogue import REPORTS
from tests.settlement.reports.conftest import Settled
from tests.settlement.reports.worked_days import APPROVED, FIRST, FOURTH, SECOND, THIRD


def table(report: dict[str, Any], key: str) -> dict[str, Any]:
    return next(one for one in report["tables"] if one["key"] == key)


def cells(report: dict[str, Any], key: str, *wanted: str) -> list[tuple[Any, ...]]:
    """Some columns of a table's rows; money as its amount, empty cells as None."""
    rows = table(report, key)["rows"]
    return [tuple(_amount(row.get(column)) for column in wanted) for row in rows]


def totals(report: dict[str, Any], key: str) -> dict[str, Any]:
    [total] = table(report, key)["totals"]
    return {column: _amount(value) for column, value in total.items()}


def facts(report: dict[str, Any]) -> dict[str, Any]:
    return {fact["key"]: _amount(fact["value"]) for fact in report["facts"]}


def _amount(value: Any) -> Any:
    return value["amount"] if isinstance(value, dict) else value


def test_every_unit_of_the_trial_balance_balances(settled: Settled) -> None:
    report = settled.report(THIRD, "trial-balance")
    assert [one["key"] for one in report["tables"]] == ["money-CNY", "money-THB", "points"]
    for one in report["tables"]:
        total = totals(report, one["key"])
        assert total["debit"] == total["credit"]
    assert totals(report, "money-CNY")["debit"] == "54.30"
    assert totals(report, "money-THB")["debit"] == "117.60"
    assert ("2000", "Redemption obligation", "0.00", "3.19") in cells(
        report, "money-CNY", "account", "name", "debit", "credit"
    )
    assert cells(report, "points", "account", "debit", "credit") == [
        ("issuance", 300, 0),
        ("available", 0, 1_000),
        ("held", 0, 0),
        ("shortfall", 700, 0),
        ("redeemed", 0, 0),
    ]


def test_the_roll_forward_of_a_batch_closes_for_every_issuer_and_price(settled: Settled) -> None:
    report = settled.report(SECOND, "roll-forward")
    columns = ("issuer", "version", "opening", "issued", "clawed_back", "redeemed", "restored", "closing")
    assert cells(report, "points", *columns) == [
        ("BANK", "1", 1_500, 0, 500, 0, 0, 1_000),
        ("BANK", "2", 0, 999, 0, 0, 0, 999),
        ("SHOP", "1", 304, 100, 0, 0, 150, 554),
    ]
    assert totals(report, "points")["closing"] == 2_553
    moves = [float(amount) for (amount,) in cells(report, "money", "amount")]
    assert (moves[0], totals(report, "money")["amount"]) == (17.89, "23.26")
    assert round(sum(moves), 2) == 23.26


def test_the_roll_forward_of_a_span_goes_from_the_first_opening_to_the_last_closing(settled: Settled) -> None:
    report = settled.report(THIRD, "roll-forward", since=FIRST)
    total = totals(report, "points")
    assert total.pop("issuer") == "Total"
    assert total == {
        "opening": 0,
        "issued": 6_603,
        "clawed_back": 500,
        "redeemed": 4_300,
        "restored": 150,
        "exchanged": 0,
        "expired": 1_554,
        "recovered": 0,
        "closing": 399,
    }
    assert facts(report)["first_day"] == FIRST
    assert totals(report, "money")["amount"] == "3.19"


def test_ageing_shows_what_is_outstanding_by_expiry_month_with_its_reserve(settled: Settled) -> None:
    report = settled.report(THIRD, "ageing")
    assert cells(report, "ageing", "month", "issuer", "points", "reserve") == [("2026-11", "BANK", 1_000, "8.00")]
    assert totals(report, "ageing")["points"] == 1_000


@pytest.mark.parametrize(("day", "points", "obligation"), [(FIRST, 1_804, "17.89"), (SECOND, 2_553, "23.26")])
def test_the_reserve_proof_of_an_old_batch_is_of_its_own_time(
    settled: Settled, day: str, points: int, obligation: str
) -> None:
    report = settled.report(day, "reserve-proof")
    assert totals(report, "by-issuer")["points"] == points
    cover = dict(cells(report, "cover", "key", "amount"))
    assert (cover["points"], cover["booked"], cover["difference"]) == (obligation, obligation, "0.00")
    assert cover["unfunded"] == obligation


def test_the_reserve_proof_names_what_is_uncollected_and_refundable(settled: Settled) -> None:
    cover = dict(cells(settled.report(THIRD, "reserve-proof"), "cover", "key", "amount"))
    assert cover["uncollected"] == "54.13"
    # What the shop is paid next is refunded reserve; its redemption was netted with what it owed.
    assert cover["refundable"] == "3.90"


def test_a_draft_is_proved_with_what_it_will_post_and_says_that_it_is_not_posted(settled: Settled) -> None:
    report = settled.report(FOURTH, "reserve-proof")
    cover = dict(cells(report, "cover", "key", "amount"))
    assert (cover["points"], cover["booked"], cover["difference"]) == ("8.00", "8.00", "0.00")
    assert report["notes"][0] == "This batch is not approved: none of it is posted yet."
    statement = settled.statement(FOURTH, "BANK")
    assert (facts(statement)["opening"], facts(statement)["closing"]) == ("-54.13", "-60.53")
    assert settled.get(f"{settled.batch(FOURTH)}/statements/BANK", settled.keys["BANK"]).status_code == 404


def test_breakage_says_what_expired_and_what_went_back(settled: Settled) -> None:
    report = settled.report(THIRD, "breakage")
    columns = ("month", "issuer", "points", "reserve", "refunded", "kept")
    assert cells(report, "expired", *columns) == [
        ("2026-11", "BANK", 1_000, "10.00", "10.00", "0.00"),
        ("2026-11", "SHOP", 554, "5.26", "5.26", "0.00"),
    ]
    assert cells(settled.report(SECOND, "breakage"), "expired", *columns) == []


def test_shortfalls_are_listed_by_issuer_and_age_without_names(settled: Settled) -> None:
    report = settled.report(THIRD, "shortfalls")
    assert cells(report, "by-issuer", "issuer", "shortfalls", "points", "oldest") == [("BANK", 1, 700, SECOND)]
    [(member, points, age_days)] = cells(report, "shortfalls", "member", "points", "age_days")
    assert (points, age_days) == (700, 3)
    assert settled.service.get(f"/v1/members/{member}").status_code == 200
    assert "m2" not in str(report)


def test_a_statement_has_opening_every_line_with_its_vat_net_and_closing(settled: Settled) -> None:
    report = settled.statement(SECOND, "BANK")
    columns = ("kind", "version", "points", "price", "amount", "vat", "net")
    assert cells(report, "lines", *columns) == [
        ("issue_charge", "2", 999, "0.0095", "-9.49", "-0.09", "-9.58"),
        ("clawback_refund", "1", 500, "0.0120", "6.00", "0.06", "6.06"),
    ]
    found = facts(report)
    assert (found["opening"], found["net"], found["closing"]) == ("-60.61", "-3.52", "-64.13")


def test_a_statement_shows_late_points(settled: Settled) -> None:
    report = settled.statement(SECOND, "SHOP")
    assert cells(report, "lines", "points", "late_points", "amount") == [(100, 100, "-1.20")]
    assert any("Late points" in note for note in report["notes"])
    assert not any("Late points" in note for note in settled.statement(FIRST, "SHOP")["notes"])


def test_a_foreign_partys_statement_is_in_both_currencies_at_the_frozen_quote(settled: Settled) -> None:
    report = settled.statement(FIRST, "THAI")
    assert cells(report, "lines", "amount", "foreign_net") == [("25.00", "120.00"), ("-0.50", "-2.40")]
    assert totals(report, "lines")["foreign_net"] == "117.60"
    assert (facts(report)["closing"], facts(report)["quote"]) == ("117.60", "4.8000")
    assert {"currency": "THB", "amount": "117.60"} in [fact["value"] for fact in report["facts"]]


def test_the_closing_of_each_statement_is_the_opening_of_the_next(settled: Settled) -> None:
    for party in ("BANK", "SHOP", "CINEMA", "THAI"):
        found = [facts(settled.statement(day, party)) for day in (*APPROVED, FOURTH)]
        assert [one["opening"] for one in found[1:]] == [one["closing"] for one in found[:-1]]


def test_payments_stand_on_the_statement(settled: Settled) -> None:
    report = settled.statement(THIRD, "SHOP")
    assert cells(report, "money", "what", "amount", "state") == [("Payment to the party", "3.90", "Planned")]


def test_the_transactions_behind_a_line_come_in_pages_and_add_up_to_it(settled: Settled) -> None:
    path = f"{settled.batch(FIRST)}/statements/CINEMA/lines/1/transactions"
    first = settled.document(path, limit="1")
    second = settled.document(path, limit="1", cursor=first["next_cursor"])
    assert "next_cursor" not in second
    rows = [table(page, "transactions")["rows"][0] for page in (first, second)]
    assert {(row["issuer"], row["points"]) for row in rows} == {("BANK", 1_001), ("SHOP", 199)}
    for row in rows:
        assert settled.service.get(f"/v1/transactions/{row['transaction']}").json()["kind"] == "redeem"


@pytest.mark.parametrize("day", [*APPROVED, FOURTH])
def test_every_line_is_the_sum_of_its_transactions(settled: Settled, day: str) -> None:
    for party in ("BANK", "SHOP", "CINEMA", "THAI"):
        for number, points in cells(settled.statement(day, party), "lines", "number", "points"):
            path = f"{settled.batch(day)}/statements/{party}/lines/{number}/transactions"
            listed = cells(settled.document(path), "transactions", "points")
            assert sum(one for (one,) in listed) == points, (day, party, number)


def test_late_transactions_are_flagged(settled: Settled) -> None:
    path = f"{settled.batch(SECOND)}/statements/SHOP/lines/1/transactions"
    assert cells(settled.document(path), "transactions", "points", "late") == [(100, "Late")]
    path = f"{settled.batch(FIRST)}/statements/SHOP/lines/1/transactions"
    assert cells(settled.document(path), "transactions", "points", "late") == [(503, None)]


def test_the_transactions_of_a_line_are_a_whole_workbook(settled: Settled) -> None:
    path = f"{settled.batch(FIRST)}/statements/CINEMA/lines/1/transactions"
    content = settled.get(path, format="xlsx", limit="1").raise_for_status().content
    rows = list(load_workbook(BytesIO(content))["交易明细"].iter_rows(min_row=2, values_only=True))
    assert {row[5] for row in rows} == {199, 1_001}


@pytest.mark.parametrize("name", [*REPORTS, "statement"])
@pytest.mark.parametrize(("language", "word"), [("zh", "结算批次"), ("en", "Settlement batch")])
def test_every_report_is_a_pdf_and_a_workbook_in_both_languages(
    settled: Settled, name: str, language: str, word: str
) -> None:
    path = f"{settled.batch(THIRD)}/" + ("statements/SHOP" if name == "statement" else f"reports/{name}")
    pdf = settled.get(path, language=language, format="pdf").raise_for_status()
    assert pdf.headers["content-type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.content)).pages)
    title = settled.get(path, language=language).json()["title"]
    assert title in text
    assert word in text
    workbook = settled.get(path, language=language, format="xlsx").raise_for_status()
    assert workbook.headers["content-disposition"].endswith('.xlsx"')
    cover = load_workbook(BytesIO(workbook.content)).worksheets[0]
    assert cover["A1"].value == title
    assert word in {cell.value for cell in cover["A"]}


@pytest.mark.parametrize("path", [*(f"reports/{name}" for name in REPORTS), "statements/THAI"])
def test_every_report_has_the_documented_form(settled: Settled, path: str) -> None:
    content = settled.get(f"{settled.batch(FIRST)}/{path}").raise_for_status().content
    assert msgspec.json.encode(msgspec.json.decode(content, type=ReportAnswer)) == content


def test_a_partner_reads_its_own_statement_and_no_other(settled: Settled) -> None:
    own, others = (f"{settled.batch(FIRST)}/statements/{party}" for party in ("CINEMA", "BANK"))
    key = settled.keys["CINEMA"]
    assert settled.get(own, key).status_code == 200
    assert settled.get(f"{own}/lines/1/transactions", key).status_code == 200
    for path in (others, f"{others}/lines/1/transactions", f"{settled.batch(FIRST)}/statements/NOBODY"):
        assert settled.get(path, key).status_code == 404
    assert settled.get(f"{settled.batch(FIRST)}/reports/trial-balance", key).status_code == 403


def test_staff_without_a_role_in_finance_read_no_report(settled: Settled) -> None:
    support, auditor = settled.staff("support"), settled.staff("auditor")
    for path in ("statements/CINEMA", "statements/CINEMA/lines/1/transactions", "reports/ageing"):
        assert settled.get(f"{settled.batch(FIRST)}/{path}", support).status_code == 403
        assert settled.get(f"{settled.batch(FIRST)}/{path}", auditor).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("CITY-20261123-9/reports/ageing", 404),
        ("CITY-20261123-1/reports/weather", 404),
        ("CITY-20261123-1/statements/NOBODY", 404),
        ("CITY-20261123-1/statements/CINEMA/lines/0/transactions", 404),
        ("CITY-20261123-1/statements/CINEMA/lines/99/transactions", 404),
        ("CITY-20261123-1/reports/ageing?language=fr", 400),
        ("CITY-20261123-1/reports/ageing?format=doc", 400),
        ("CITY-20261123-1/reports/roll-forward?since=yesterday", 400),
        ("CITY-20261123-1/statements/CINEMA/lines/1/transactions?cursor=abc", 400),
        ("CITY-20261123-1/statements/CINEMA/lines/1/transactions?limit=0", 400),
    ],
)
def test_what_is_not_there_is_not_found_and_what_is_malformed_is_said(settled: Settled, path: str, status: int) -> None:
    answer = settled.service.get(f"/v1/settlement-batches/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
