"""Lines as a party's statement numbers them: VAT beside what it taxes, and who took the points."""

from settlement.lines import LineKind, StatementLine
from settlement.reports.statement_lines import entries_of

BANK, CINEMA, AGENCY, SHOP = 1, 2, 3, 4


def line(party: int, kind: LineKind, amount_minor: int, funding: int = 0) -> StatementLine:
    return StatementLine(party=party, kind=kind, version=1, amount_minor=amount_minor, points=100, funding=funding)


LINES = (
    line(BANK, "issue_charge", 1_200, funding=7),
    line(BANK, "vat_on_fee", 12, funding=7),
    line(SHOP, "issue_charge", 400, funding=7),
    line(SHOP, "vat_on_fee", 4, funding=7),
    line(BANK, "clawback_refund", 600, funding=7),
    line(CINEMA, "redemption_gross", 900),
    line(CINEMA, "redemption_commission", 18),
    line(CINEMA, "vat_on_commission", 1),
    line(CINEMA, "attribution_fee", 9),
    line(AGENCY, "attribution_income", 9),
    line(SHOP, "redemption_gross", 500),
    line(SHOP, "redemption_commission", 10),
)


def test_vat_stands_with_the_line_that_it_taxes() -> None:
    entries = entries_of(LINES, BANK)
    assert [(one.number, one.line.kind, one.amount_minor, one.vat_minor) for one in entries] == [
        (1, "issue_charge", -1_200, -12),
        (2, "clawback_refund", 600, 0),
    ]
    assert [(one.line.kind, one.vat_minor, one.net_minor) for one in entries_of(LINES, CINEMA)] == [
        ("redemption_gross", 0, 900),
        ("redemption_commission", -1, -19),
        ("attribution_fee", 0, -9),
    ]


def test_income_from_another_names_who_took_the_points() -> None:
    [income] = entries_of(LINES, AGENCY)
    assert (income.acceptor, income.net_minor) == (CINEMA, 9)


def test_a_party_that_issues_and_accepts_has_all_its_lines_in_order() -> None:
    entries = entries_of(LINES, SHOP)
    assert [(one.number, one.acceptor, one.net_minor) for one in entries] == [
        (1, 0, -404),
        (2, SHOP, 500),
        (3, SHOP, -10),
    ]
