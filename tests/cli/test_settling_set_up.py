"""What settlement stands on, by the command line: who acts is the key's, two persons agree, wrong usage is named."""

from dataclasses import replace

import pytest

from tests.command_line import CommandLine

OF = ("--programme", "CITY")
WHY = ("--reason", "agreed")
ACCOUNT = "City Points/6222020200998877665/102100000012"


@pytest.fixture
def clerk(live: CommandLine) -> CommandLine:
    """The live ledger, as a clerk."""
    return as_person(live, "Wang Fang", "finance-clerk")


@pytest.fixture
def approver(live: CommandLine) -> CommandLine:
    """The live ledger, as an approver."""
    return as_person(live, "Li Na", "finance-approver")


def as_person(command: CommandLine, name: str, role: str) -> CommandLine:
    key = command.json("keys", "create", "--staff", name, "--role", role)["key"]
    return replace(command, variables={**command.variables, "CITYPOINTS_KEY": key})


def test_who_acts_is_the_person_of_the_key_and_nobody_else(live: CommandLine, clerk: CommandLine) -> None:
    proposal = ("settle", "reserve", "1000.00", *OF, *WHY)
    assert "CITYPOINTS_KEY is not set" in live.fails(*proposal, code=2)
    live.done("partners", "add", "CAFE", "--kind", "merchant", "--name", "Cafe")
    partners = live.json("keys", "create", "--partner", "CAFE")["key"]
    for key, wrong in (("nonsense", "no API key"), (partners, "a partner's key")):
        command = replace(live, variables={**live.variables, "CITYPOINTS_KEY": key})
        said = command.fails(*proposal, code=2)
        assert wrong in said
        assert key not in said
    assert "finance-clerk" in as_person(live, "Sun Li", "auditor").fails(*proposal)
    assert clerk.json(*proposal)["proposed_by"] == "Wang Fang"


def test_a_contract_with_all_its_terms_is_proposed_rejected_proposed_again_and_approved(
    live: CommandLine, clerk: CommandLine, approver: CommandLine
) -> None:
    for code in ("CAFE", "BANK"):
        live.done("partners", "add", code, "--kind", "merchant", "--name", code)
    prices = ("--reserve", "0.0095", "--fee", "0.0025", "--reimbursement", "0.0098", "--commission", "0.02")
    more = ("--cycle", "weekly", "--tax", "0.06", "--no-netting", "--carry", "--defer-fee", "--keep-breakage")
    limits = ("--credit-limit", "5000.00", "--prefunding", "100", "--due-days", "3")
    attribution = ("--attribution-fee", "0.01", "--attribution-partner", "BANK")
    paid_at = ("--pay-to", "A/B Cafe/6222020200112233445/102290000010")
    terms = ("terms", "set", "CAFE", *OF, "--from", "2027-01-01", *prices, *more, *limits, *attribution, *paid_at, *WHY)
    rejected = clerk.json(*terms)["id"]
    assert approver.done("terms", "reject", rejected, "--reason", "not signed") == (
        "Rejected the proposal of terms by Wang Fang."
    )
    assert "second" not in approver.fails("terms", "approve", rejected, "--reason", "after all")
    withdrawn = clerk.json(*terms)["id"]
    assert "Only who made a proposal" in approver.fails("terms", "withdraw", withdrawn, "--reason", "not mine")
    assert clerk.done("terms", "withdraw", withdrawn, "--reason", "a typo") == "Withdrawn: your proposal of terms."
    proposed = clerk.json(*terms)["id"]
    assert approver.done("terms", "approve", proposed, "--reason", "signed") == "Approved: version 1 of CAFE."
    [shown] = live.json("terms", "show", "CAFE", *OF)["items"]
    assert (shown["reserve"], shown["fee"], shown["commission"]) == ("0.0095", "0.0025", "0.02")
    assert (shown["cycle"], shown["nets"], shown["debit_rest"], shown["due_days"]) == ("weekly", False, "carry", 3)
    assert (shown["credit_limit_minor"], shown["prefunding_minor"], shown["tax"]) == (500_000, 10_000, "0.06")
    assert (shown["attribution_fee"], shown["attribution_partner"]) == ("0.01", "BANK")
    assert (shown["fee_is_deferred"], shown["breakage"], shown["approved_by"]) == (True, "operator", "Li Na")
    assert (shown["beneficiary"]["name"], shown["beneficiary"]["account"]) == ("A/B Cafe", "****3445")
    assert live.json("terms", "proposals", "--waiting")["items"] == []
    listed = live.run("terms", "proposals")
    assert [line.split("\t")[2] for line in listed.output.splitlines()[1:]] == ["approved", "withdrawn", "rejected"]


def test_what_cannot_be_is_refused_with_the_name_of_the_field(live: CommandLine, clerk: CommandLine) -> None:
    live.done("partners", "add", "CAFE", "--kind", "merchant", "--name", "Cafe")
    terms = ("terms", "set", "CAFE", *OF, *WHY)
    for arguments, field, code in (
        ((*terms, "--from", "tomorrow"), "starts_on", 2),
        ((*terms, "--from", "2027-01-01", "--reserve", "0.0000001"), "reserve", 2),
        ((*terms, "--from", "2027-01-01", "--commission", "1.5"), "commission", 2),
        ((*terms, "--from", "2027-01-01", "--fee", "0.1"), "reserve", 1),
        ((*terms, "--from", "2027-01-01", "--pay-to", "nobody"), "--pay-to", 2),
        ((*terms, "--from", "2027-01-01", "--pay-to", "A/62220202/12"), "clearing_code", 2),
        (("settle", "account", "City/62220202/ABCDEFGH", *OF, *WHY), "clearing_code", 1),
        (("settle", "adjust", "CAFE", "0.001", *OF, *WHY, "--about", "a batch"), "amount", 1),
        (("settle", "reserve", "0.00", *OF, *WHY), "amount", 1),
        (("settle", "close-day", "9999-12-31", *OF), "DATE", 2),
        (("settle", "bank-days", "2027-02-30", "--note", "春节"), "DATE", 2),
    ):
        assert field in clerk.fails(*arguments, code=code), arguments


def test_accounts_limits_adjustments_rates_and_bank_days_are_set_up(
    live: CommandLine, clerk: CommandLine, approver: CommandLine
) -> None:
    live.done("partners", "add", "CAFE", "--kind", "merchant", "--name", "Cafe")
    for arguments, outcome in (
        (("adjust", "CAFE", "12.50", "--about", "a till"), "adjustment of a till"),
        (("adjust", "CAFE", "2.50", "--take", "--about", "a till"), "adjustment of a till"),
        (("reserve", "100.00", "--release"), "reserve"),
    ):
        proposed = clerk.json("settle", *arguments, *OF, *WHY)["id"]
        assert approver.json("terms", "approve", proposed, "--reason", "seen")["outcome"] == outcome
    for set_up in (("account", ACCOUNT), ("limit", "manager", "50000.00")):
        proposed = clerk.json("settle", *set_up, *OF, *WHY)["id"]
        approver.done("terms", "approve", proposed, "--reason", "seen")
    rate = ("THB", "4.95", *OF, "--from", "2026-11-23T00:00:00+08:00", "--until", "2026-11-24T12:00:00+08:00")
    assert clerk.json("settle", "quote", *rate, "--source", "the bank")["rate"] == "4.95"
    assert clerk.done("settle", "bank-days", "2027-02-08", "2027-02-09", "--note", "春节") == (
        "Kept 2 as holidays of the banks."
    )
    live.done("audit")


def test_a_rate_of_exchange_is_proposed_and_approved(
    live: CommandLine, clerk: CommandLine, approver: CommandLine
) -> None:
    live.done("programmes", "add", "MILES")
    live.done("partners", "add", "SKY", "--kind", "merchant", "--name", "Sky")
    contract = ("terms", "set", "SKY", *OF, "--from", "2027-01-01", "--reimbursement", "0.01", *WHY)
    approver.done("terms", "approve", clerk.json(*contract)["id"], "--reason", "signed")
    rate = ("settle", "exchange-rate", "MILES", "5:4", "--issuer", "SKY", "--from", "2027-01-01", *OF, *WHY)
    proposed = clerk.json(*rate, "--price", "0.0115")
    asked = proposed["request"]
    assert (asked["give"], asked["get"], asked["price_micros"]) == (5, 4, 11_500)
    assert approver.done("terms", "approve", proposed["id"], "--reason", "signed") == "Approved: rate 1."
    for step in ("5", "5:", "a:b", "5:-4"):
        wrong = ("settle", "exchange-rate", "MILES", step, *rate[4:])
        assert "GIVE:GET" in clerk.fails(*wrong, code=2)
    assert "$.give" in clerk.fails("settle", "exchange-rate", "MILES", "0:4", *rate[4:], code=2)


def test_a_period_whose_days_are_open_is_not_proposed_for_closing(clerk: CommandLine) -> None:
    assert "not closed yet" in clerk.fails("settle", "close-period", "2026-11-30", *OF, *WHY)
