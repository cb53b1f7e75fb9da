"""What takes two persons: written in two steps, shown as it is and would be, decided by another person."""

from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import pytest

from api.pages.finance.proposal_forms import FORMS, percent, read_typed
from ledger.rules.programmes import Programme
from tests.pages.browsing import Browser, Page
from tests.pages.bureau import Bureau
from tests.settlement.finance_office import PROGRAMME

NEW = "/finance/proposals/new"
TERMS = {
    "starts_on": "2026-12-01",
    "reserve": "0.0095",
    "fee": "0.0025",
    "reimbursement": "0.0098",
    "commission": "2",
    "name": "某某咖啡有限公司",
    "account": "6222020200112233445",
    "clearing_code": "102290000010",
    "reason": "contract of 20 November",
    "cycle": "weekly",
    "nets": "true",
    "breakage": "issuer",
    "debit_rest": "collect",
    "fee_is_deferred": "false",
    "is_own_account": "false",
    "attribution_partner": "",
}


def check(browser: Browser, operation: str, *, partner: str | None = None, **typed: str) -> Page:
    of = f"?partner={partner}" if partner else ""
    return browser.send(browser.get(f"{NEW}/{operation}{of}"), f"{NEW}/{operation}/check", **typed)


def proposed(browser: Browser, operation: str, *, partner: str | None = None, **typed: str) -> str:
    """Propose in two steps; returns the proposal's address."""
    checked = check(browser, operation, partner=partner, **typed)
    assert checked.status == 200, checked.text
    done = browser.send(checked, f"{NEW}/{operation}")
    assert done.status == 303, done.text
    return done.location.partition("?")[0]


def decide(browser: Browser, address: str, decision: str = "approve", reason: str = "as signed") -> Page:
    return browser.send(browser.get(address), address, decision=decision, reason=reason)


def rows(page: Page) -> dict[str, list[str]]:
    """The lines of a change, each as it is and would be."""
    found = {}
    for row in page.root.one("main").every("tr")[1:]:
        found[row.one("th").text] = [cell.text for cell in row.every("td")]
    return found


def test_terms_are_proposed_in_two_steps_and_approved_by_another_person(bureau: Bureau) -> None:
    partner = bureau.office.new_partner()
    clerk, approver = bureau.staff("finance-clerk", name="Wu Jing"), bureau.staff("finance-approver", name="Zheng")
    checked = check(clerk, "terms", partner=partner, **TERMS)
    assert rows(checked)["Commission, % of the reimbursement"] == ["—", "2%"]
    assert not bureau.office.history(partner).json()["items"]
    address = proposed(clerk, "terms", partner=partner, **TERMS)
    assert "another person decides" in clerk.get(address).text
    page = approver.get(address)
    assert page.heading == f"Contract terms: Partner {partner} ({partner})"
    assert rows(page)["Reserve per point"] == ["—", "0.0095 CNY"]
    assert "6222020200112233445" in page.text
    done = approver.follow(decide(approver, address))
    assert "Approved" in done.text
    [version] = bureau.office.history(partner).json()["items"]
    assert (version["reserve"], version["commission"], version["cycle"]) == ("0.0095", "0.02", "weekly")
    assert (version["proposed_by"], version["approved_by"]) == ("Wu Jing", "Zheng")


def test_who_proposed_withdraws_it_with_a_reason_and_it_cannot_be_approved_any_more(bureau: Bureau) -> None:
    partner = bureau.office.new_partner()
    clerk, other = bureau.staff("finance-clerk", name="Wu Jing"), bureau.staff("manager")
    address = proposed(clerk, "terms", partner=partner, **TERMS)
    action = f"{address}/withdrawal"
    opened = clerk.get(address)
    assert action not in other.get(address).html
    before = decide(other, address, "neither")
    csrf = before.form("/sign-out")["csrf"]
    forged = other.post(action, {"csrf": csrf, "programme": PROGRAMME, "reason": "not mine"})
    assert (forged.status, "Only who proposed it" in forged.text) == (422, True)
    empty = clerk.send(opened, action, reason="")
    assert (empty.status, "Waiting" in empty.text) == (422, True)
    for _ in range(2):
        done = clerk.follow(clerk.send(opened, action, reason="wrong account"))
        assert "Withdrawn" in done.text
        assert "wrong account" in done.text
    late = other.post(address, {"csrf": csrf, "programme": PROGRAMME, "decision": "approve", "reason": "as signed"})
    assert "decided already" in late.text
    assert not bureau.office.history(partner).json()["items"]


def test_the_form_of_new_terms_holds_what_is_agreed_and_the_change_alone_is_shown(bureau: Bureau) -> None:
    partner = bureau.office.new_partner()
    bureau.office.agree(bureau.office.terms(partner, credit_limit={"currency": "CNY", "amount": "5000.00"}))
    clerk = bureau.staff("finance-clerk")
    page = clerk.get(f"{NEW}/terms?partner={partner}")
    typed = page.form(f"{NEW}/terms/check")
    assert (typed["reserve"], typed["commission"], typed["credit_limit"]) == ("0.0095", "2", "5000.00")
    checked = check(
        clerk, "terms", partner=partner, reserve="0.01", starts_on="2027-01-01", reason="new year", **_choices(page)
    )
    changed = rows(checked)
    assert changed == {
        "From business day": ["1 Dec 2026", "1 Jan 2027"],
        "Reserve per point": ["0.0095 CNY", "0.01 CNY"],
    }


def _choices(page: Page) -> dict[str, str]:
    """What the form's lists of choices stand at."""
    found = {}
    for select in page.root.every("select"):
        chosen = [one for one in select.every("option") if "selected" in one.attributes] or select.every("option")
        found[select.attributes["name"]] = chosen[0].attributes["value"]
    return found


def test_a_form_sent_twice_is_one_proposal(bureau: Bureau) -> None:
    partner, clerk = bureau.office.new_partner(), bureau.staff("finance-clerk")
    checked = check(clerk, "terms", partner=partner, **TERMS)
    places = {clerk.send(checked, f"{NEW}/terms").location for _ in range(2)}
    assert len(places) == 1
    changed = clerk.post(f"{NEW}/terms", {**checked.form(f"{NEW}/terms"), "reserve": "0.02"})
    assert changed.status == 422
    assert "sent before with something else" in changed.text


def test_two_tabs_that_change_one_contract_do_not_overwrite_each_other(bureau: Bureau) -> None:
    partner = bureau.office.new_partner()
    one, other = bureau.staff("finance-clerk"), bureau.staff("manager")
    first, second = (check(browser, "terms", partner=partner, **TERMS) for browser in (one, other))
    assert one.send(first, f"{NEW}/terms").status == 303
    late = other.send(second, f"{NEW}/terms")
    assert late.status == 422
    assert "Somebody changed or proposed something of this contract" in late.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("starts_on", ""),
        ("starts_on", "tomorrow"),
        ("starts_on", "0001-01-01"),
        ("reserve", "-1"),
        ("reserve", "0.00000001"),
        ("fee", "<script>"),
        ("commission", "101"),
        ("commission", "2.00001"),
        ("commission", "nan"),
        ("tax", "1e3"),
        ("credit_limit", "1.234"),
        ("prefunding", "much"),
        ("attribution_fee", "5"),
        ("due_days", "251"),
        ("due_days", "five"),
        ("currency", "yuan"),
        ("account", "12"),
        ("clearing_code", "123"),
        ("name", ""),
        ("cycle", "yearly"),
        ("reason", ""),
        ("reason", "x" * 201),
    ],
)
def test_a_field_that_cannot_be_used_is_marked_and_what_was_typed_stays(bureau: Bureau, field: str, value: str) -> None:
    clerk = bureau.staff("finance-clerk")
    page = check(clerk, "terms", partner="CAFE", **TERMS | {field: value})
    assert page.status == 422, page.text
    marked = [one for tag in ("input", "select") for one in page.root.every(tag) if "aria-invalid" in one.attributes]
    assert marked, page.text
    names = {one.attributes["name"] for one in marked}
    assert field in names or field == "attribution_fee", names
    if field != "cycle":
        assert page.root.one("input", id=field).attributes["value"] == value
    assert "Nothing was done" in page.text
    assert "<script>" not in page.html


@pytest.mark.parametrize(
    ("operation", "typed", "changes"),
    [
        (
            "adjustment",
            {"party": "CAFE", "direction": "give", "amount": "12.50", "about": "CITY-20261123-1", "reason": "r"},
            {"2100, payable to the party", "5000, goodwill"},
        ),
        (
            "reserve",
            {"direction": "release", "amount": "1.00", "reason": "r"},
            {"1010, reserve bank", "1000, settlement bank"},
        ),
        ("limit", {"role": "finance-approver", "amount": "9,000,000.00", "reason": "r"}, {"May approve up to"}),
        (
            "account",
            {"currency": "USD", "name": "City", "account": "12345678", "clearing_code": "DEUTDEFF", "reason": "r"},
            {"Beneficiary", "Account number", "Clearing code"},
        ),
    ],
)
def test_each_change_is_shown_as_it_is_and_would_be_and_can_be_rejected(
    bureau: Bureau, operation: str, typed: dict[str, str], changes: set[str]
) -> None:
    clerk, manager = bureau.staff("finance-clerk"), bureau.staff("manager")
    assert changes <= set(rows(check(clerk, operation, **typed)))
    address = proposed(clerk, operation, **typed)
    before = bureau.office.balances()
    done = manager.follow(decide(manager, address, "reject", "not agreed"))
    assert "Rejected" in done.text
    assert "not agreed" in done.text
    assert bureau.office.balances() == before
    late = manager.post(address, {**done.form("/sign-out"), "decision": "approve", "reason": "now yes"})
    assert late.status == 422
    assert "decided already" in late.text


def test_an_approved_adjustment_moves_the_money_it_showed(bureau: Bureau) -> None:
    typed = {"party": "CAFE", "direction": "give", "amount": "3.21", "about": "a test", "reason": "r"}
    address = proposed(bureau.staff("finance-clerk"), "adjustment", **typed)
    before = bureau.office.balances().get((5000, ""), 0)
    approver = bureau.staff("finance-approver")
    assert decide(approver, address).status == 303
    assert decide_again(approver, address) == 303
    assert bureau.office.balances()[5000, ""] == before + 321
    decided = approver.get(address).text
    assert "CNY 3.21" in decided
    assert "goodwill" not in decided  # The balances of the moment have moved on, so the sum is not added once more.


def decide_again(browser: Browser, address: str) -> int:
    """Send the approval once more, as from another tab."""
    token = browser.get(address).form("/sign-out")
    return browser.post(address, {**token, "decision": "approve", "reason": "again"}).status


def test_who_proposed_does_not_decide(bureau: Bureau) -> None:
    manager = bureau.staff("manager")
    address = proposed(manager, "reserve", direction="fund", amount="1.00", reason="r")
    page = manager.get(address)
    assert "another person decides" in page.text
    assert [form.attributes["action"] for form in page.root.every("form")] == ["/sign-out", f"{address}/withdrawal"]
    answer = manager.post(address, {**page.form("/sign-out"), "decision": "approve", "reason": "mine"})
    assert answer.status == 422
    assert "another person decides" in answer.text
    assert "Waiting" in manager.get(address).text


@pytest.mark.parametrize("changes", [{"decision": ""}, {"decision": "perhaps"}, {"reason": ""}, {"reason": "x" * 300}])
def test_a_decision_without_choice_or_reason_is_asked_for_again(bureau: Bureau, changes: dict[str, str]) -> None:
    address = proposed(bureau.staff("finance-clerk"), "reserve", direction="fund", amount="1.00", reason="r")
    approver = bureau.staff("finance-approver")
    page = decide(approver, address, **{"decision": "approve", "reason": "fine", **changes})
    assert page.status == 422
    assert page.root.one("input", id="reason").attributes["value"] == changes.get("reason", "fine")
    assert "Waiting" in approver.get(address).text


def test_the_list_shows_what_waits_and_all_on_request(bureau: Bureau) -> None:
    reason = f"reason {uuid4().hex[:8]}"
    address = proposed(bureau.staff("finance-clerk"), "reserve", direction="fund", amount="1.00", reason=reason)
    auditor, approver = bureau.staff("auditor"), bureau.staff("finance-approver")
    assert reason in auditor.get("/finance/proposals").text
    assert decide(approver, address, "reject").status == 303
    assert reason not in auditor.get("/finance/proposals").text
    assert reason in auditor.get("/finance/proposals?show=all").text


@pytest.mark.parametrize("role", ["auditor", "finance-approver"])
def test_who_does_not_prepare_cannot_propose(bureau: Bureau, role: str) -> None:
    reader = bureau.staff(role)
    page = reader.get("/finance/proposals")
    assert not [one for one in page.root.every("a") if "/new/" in one.attributes["href"]]
    token = page.form("/sign-out")
    for path in ("/terms", "/terms/check", "/period", "/reserve/check"):
        assert reader.post(f"{NEW}{path}", {**token, "amount": "1", "reason": "r"}).status == 403, path
    assert reader.get(f"{NEW}/terms").status == 403


@pytest.mark.parametrize("role", ["auditor", "finance-clerk"])
def test_who_does_not_decide_sees_a_proposal_and_cannot_decide(bureau: Bureau, role: str) -> None:
    address = proposed(bureau.staff("finance-clerk"), "reserve", direction="fund", amount="1.00", reason="r")
    browser = bureau.staff(role)
    page = browser.get(address)
    assert [form.attributes["action"] for form in page.root.every("form")] == ["/sign-out"]
    answer = browser.post(address, {**page.form("/sign-out"), "decision": "approve", "reason": "r"})
    assert (answer.status, answer.heading) == (403, "This page is not for you")


def test_an_auditor_sees_the_last_digits_of_accounts_alone(bureau: Bureau) -> None:
    partner = bureau.office.new_partner()
    address = proposed(bureau.staff("finance-clerk"), "terms", partner=partner, **TERMS)
    page = bureau.staff("auditor").get(address)
    assert "****3445" in page.text
    assert "6222020200112233445" not in page.html


def test_forged_forms_propose_and_decide_nothing(bureau: Bureau) -> None:
    address = proposed(bureau.staff("finance-clerk"), "reserve", direction="fund", amount="1.00", reason="r")
    manager = bureau.staff("manager")
    for path, fields in (
        (address, {"decision": "approve", "reason": "r"}),
        (f"{NEW}/reserve", {"direction": "fund", "amount": "1.00", "reason": "r", "key": "k"}),
        (f"{NEW}/reserve/check", {"direction": "fund", "amount": "1.00", "reason": "r"}),
    ):
        answer = manager.post(path, {**fields, "csrf": "0" * 64})
        assert (answer.status, answer.heading) == (403, "The form was not accepted"), path
    assert "Waiting" in manager.get(address).text


@pytest.mark.parametrize("path", ["x", "00000000-0000-0000-0000-000000000000", "new/unknown", "new/terms?partner=NONE"])
def test_what_does_not_exist_is_a_clear_page(bureau: Bureau, path: str) -> None:
    assert bureau.staff("finance-clerk").get(f"/finance/proposals/{path}").status == 404


def test_a_proposal_of_another_programme_is_like_one_that_is_none(bureau: Bureau) -> None:
    address = proposed(bureau.staff("finance-clerk"), "reserve", direction="fund", amount="1.00", reason="r")
    code = f"P{uuid4().hex[:8]}"
    bureau.office.service.add_programme(code)
    approver = bureau.staff("finance-approver")
    assert approver.get(f"{address}?programme={code}").status == 404
    token = approver.get(address).form(address)
    assert approver.post(address, {**token, "programme": code, "decision": "approve", "reason": "r"}).status == 404


def test_every_change_has_a_form_that_is_well_formed(bureau: Bureau) -> None:
    clerk = bureau.staff("finance-clerk")
    for operation in FORMS:
        page = clerk.get(f"{NEW}/{operation}?partner=CAFE")
        assert page.status == 200, operation
        assert len(page.root.every("h1")) == 1


def test_percentages_are_read_and_written_exactly() -> None:
    programme = cast("Programme", SimpleNamespace(code="CITY", currency="CNY"))
    for text, rate in (("2", "0.02"), ("2.5%", "0.025"), ("100", "1"), ("0", "0"), ("0.0001", "0.000001")):
        typed = read_typed("terms", {**TERMS, "commission": text}, programme)
        assert not typed.wrong, text
        assert typed.sent is not None
        assert typed.sent.commission == rate  # type: ignore[union-attr]
    assert [percent(micros) for micros in (0, 20_000, 25_000, 1_000_000, 1)] == ["0", "2", "2.5", "100", "0.0001"]


def test_a_rate_of_exchange_is_proposed_between_two_programmes(bureau: Bureau) -> None:
    other, issuer, office = f"P{uuid4().hex[:8]}", f"X{uuid4().hex[:8]}", bureau.office
    office.service.add_programme(other)
    office.service.add_partner(issuer, ["CITY", other])
    clerk, approver = bureau.staff("finance-clerk"), bureau.staff("finance-approver")
    typed = {"target_programme": other, "issuer": issuer, "starts_on": "2026-12-24", "give": "5", "get": "4"}
    refused = check(clerk, "exchange-rate", **typed, price="0.0115", reason="r")
    assert refused.status == 422
    assert f"Partner {issuer} has no contract" in refused.text
    office.agree(office.terms(issuer))
    address = proposed(clerk, "exchange-rate", **typed, price="0.0115", reason="r")
    page = approver.get(address)
    assert rows(page)["Points got"] == ["—", "4"]
    assert rows(page)["Price per point issued"] == ["—", "0.0115 CNY"]
    assert decide(approver, address).status == 303
    again = check(clerk, "exchange-rate", **typed, reason="r")
    assert "must be after 2026-12-24" in again.text
    assert again.status == 422
