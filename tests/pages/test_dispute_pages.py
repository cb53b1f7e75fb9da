"""Disputes: opened by one person, decided by another, in two steps; forged and foreign ones refused."""

from uuid import uuid4

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.bureau import Bureau


def opened(bureau: Bureau, browser: Browser, reason: str = "the goods were not as ordered") -> str:
    """Dispute a redemption of its own; returns the dispute's address."""
    page = browser.send(
        browser.get("/finance/disputes"), "/finance/disputes", transaction=bureau.redeem(100), reason=reason
    )
    assert page.status == 303, page.text
    return page.location.partition("?")[0]


def check(browser: Browser, address: str, decision: str, reason: str = "seen the receipt") -> Page:
    return browser.send(browser.get(address), f"{address}/check", decision=decision, reason=reason)


def balance(bureau: Bureau) -> int:
    answer = bureau.office.send("GET", f"/v1/members/{bureau.office.member}/balances?programme=CITY", by="operator")
    return int(answer.raise_for_status().json()["available"])


def test_a_dispute_that_a_clerk_opens_is_listed_and_shown(bureau: Bureau) -> None:
    clerk, reason = bureau.staff("finance-clerk", name="Qian"), f"reason {uuid4().hex[:8]}"
    address = opened(bureau, clerk, reason)
    assert reason in bureau.staff("auditor").get("/finance/disputes").text
    page = clerk.get(address)
    assert page.heading == "Dispute: Partner CAFE"
    for said in ("Open", "Qian", reason, "with the batch that settles it"):
        assert said in page.text
    assert not [one for one in page.root.every("form") if "/disputes/" in one.attributes["action"]]


def test_another_person_decides_against_the_acceptor_and_the_member_has_the_points_again(bureau: Bureau) -> None:
    address = opened(bureau, bureau.staff("finance-clerk"))
    before = balance(bureau)
    approver = bureau.staff("finance-approver", name="Sun")
    checked = check(approver, address, "against-acceptor")
    assert checked.heading == "Decide the dispute so?"
    assert balance(bureau) == before
    done = approver.follow(approver.send(checked, address))
    assert "Against the acceptor" in done.text
    assert "Sun" in done.text
    assert "seen the receipt" in done.text
    assert balance(bureau) == before + 100
    # Sent again, or in another tab: decided once.
    assert approver.send(checked, address).status == 303
    assert balance(bureau) == before + 100


def test_deciding_otherwise_what_was_decided_is_refused_in_words(bureau: Bureau) -> None:
    address = opened(bureau, bureau.staff("finance-clerk"))
    one, other = bureau.staff("finance-approver"), bureau.staff("finance-approver")
    first, second = check(one, address, "for-acceptor"), check(other, address, "against-acceptor")
    assert one.send(first, address).status == 303
    late = other.send(second, address)
    assert late.status == 422
    assert "was decided already" in late.text


def test_who_opened_a_dispute_does_not_decide_it(bureau: Bureau) -> None:
    manager = bureau.staff("manager")
    address = opened(bureau, manager)
    page = manager.get(address)
    assert "another person decides" in page.text
    token = page.form("/sign-out")
    asked = {**token, "programme": "CITY", "decision": "for-acceptor", "reason": "mine"}
    answer = manager.post(address, asked)
    assert answer.status == 422
    assert "You prepared this yourself" in answer.text
    assert "Open" in manager.get(address).text


@pytest.mark.parametrize(
    ("decision", "reason", "wrong"),
    [("", "fine", "Choose one."), ("for-acceptor", "", "Say why"), ("for-acceptor", "x" * 201, "Say why")],
)
def test_a_decision_without_choice_or_reason_is_said_and_kept(
    bureau: Bureau, decision: str, reason: str, wrong: str
) -> None:
    address = opened(bureau, bureau.staff("finance-clerk"))
    approver = bureau.staff("finance-approver")
    page = approver.post(
        f"{address}/check", {**approver.get(address).form("/sign-out"), "decision": decision, "reason": reason}
    )
    assert page.status == 422
    assert wrong in page.text
    assert page.root.one("input", id="reason").attributes["value"] == reason


@pytest.mark.parametrize("transaction", ["", "x", "00000000-0000-0000-0000-000000000000", "<script>", "9" * 500])
def test_a_transaction_that_is_none_is_said_at_its_field(bureau: Bureau, transaction: str) -> None:
    clerk = bureau.staff("finance-clerk")
    page = clerk.send(clerk.get("/finance/disputes"), "/finance/disputes", transaction=transaction, reason="why")
    assert page.status == 422
    field = page.root.one("input", id="transaction")
    assert (field.attributes["aria-invalid"], field.attributes["value"]) == ("true", transaction)


def test_what_is_no_redemption_is_refused_in_words_and_what_was_typed_stays(bureau: Bureau) -> None:
    clerk, earned = bureau.staff("finance-clerk"), bureau.earn(5)
    page = clerk.send(clerk.get("/finance/disputes"), "/finance/disputes", transaction=earned, reason="why so")
    assert page.status == 422
    assert "cannot be disputed" in page.text
    assert page.root.one("input", id="reason").attributes["value"] == "why so"


def test_a_redemption_disputed_twice_leads_to_the_one_dispute(bureau: Bureau) -> None:
    transaction = bureau.redeem(10)
    places = set()
    for name in ("one", "two"):
        clerk = bureau.staff("finance-clerk", name=name)
        page = clerk.send(clerk.get("/finance/disputes"), "/finance/disputes", transaction=transaction, reason=name)
        places.add(page.location)
    api = bureau.office.send("POST", "/v1/disputes", {"transaction": transaction, "reason": "by the API"}).json()
    assert len(places) == 1
    assert api["id"] in places.pop()


@pytest.mark.parametrize(
    ("role", "may_open"), [("auditor", False), ("finance-approver", False), ("finance-clerk", True)]
)
def test_each_role_does_only_its_own_part(bureau: Bureau, role: str, may_open: bool) -> None:
    address = opened(bureau, bureau.staff("finance-clerk"))
    browser = bureau.staff(role)
    token = browser.get(address).form("/sign-out") | {"programme": "CITY", "reason": "why"}
    answer = browser.post("/finance/disputes", {**token, "transaction": bureau.redeem(10)})
    assert answer.status == (303 if may_open else 403)
    for path in (address, f"{address}/check"):
        status = browser.post(path, {**token, "decision": "for-acceptor"}).status
        assert status == (200 if path != address else 303) if role == "finance-approver" else status == 403


def test_forged_forms_do_nothing(bureau: Bureau) -> None:
    address = opened(bureau, bureau.staff("finance-clerk"))
    approver = bureau.staff("finance-approver")
    for path in (address, f"{address}/check"):
        answer = approver.post(path, {"csrf": "0" * 64, "decision": "for-acceptor", "reason": "r"})
        assert (answer.status, answer.heading) == (403, "The form was not accepted")
    assert "Waiting" not in approver.get(address).text


def test_a_dispute_of_another_programme_is_like_one_that_is_none(bureau: Bureau) -> None:
    address = opened(bureau, bureau.staff("finance-clerk"))
    code = f"P{uuid4().hex[:8]}"
    bureau.office.service.add_programme(code)
    browser = bureau.staff("finance-approver")
    assert browser.get(f"{address}?programme={code}").status == 404
    assert browser.get("/finance/disputes/x").status == 404


def test_a_reason_is_shown_as_text(bureau: Bureau) -> None:
    clerk = bureau.staff("finance-clerk")
    address = opened(bureau, clerk, "<script>alert(1)</script>")
    for path in (address, "/finance/disputes"):
        page = clerk.get(path)
        assert "<script>" not in page.html
        assert "&lt;script&gt;alert(1)" in page.html
