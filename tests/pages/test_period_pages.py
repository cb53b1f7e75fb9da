"""The end of a period: what is closed, what is in the way, proposed by one person and approved by another."""

from uuid import uuid4

from tests.pages.browsing import Browser, Page
from tests.pages.bureau import DAY, Bureau

CHECK = "/finance/proposals/new/period/check"
MAKE = "/finance/proposals/new/period"


def test_the_page_says_how_far_all_is_settled_and_offers_that_day(bureau: Bureau) -> None:
    page = bureau.staff("finance-clerk").get("/finance/periods")
    assert "Settled through 23 Nov 2026" in page.text
    assert page.form(CHECK)["through"] == DAY
    assert "locks its days for good" in page.text


def test_a_day_that_is_not_settled_is_refused_in_words_and_what_was_typed_stays(bureau: Bureau) -> None:
    clerk = bureau.staff("finance-clerk")
    page = clerk.send(clerk.get("/finance/periods"), CHECK, through="2026-11-30", reason="too early")
    assert page.status == 422
    assert "The day 2026-11-30 is not closed yet." in page.text
    assert page.root.one("input", id="through").attributes["value"] == "2026-11-30"
    assert page.root.one("input", id="reason").attributes["value"] == "too early"


def test_a_programme_that_never_settled_says_what_to_do_first(bureau: Bureau) -> None:
    code = f"P{uuid4().hex[:8]}"
    bureau.office.service.add_programme(code)
    page = bureau.staff("finance-clerk").get(f"/finance/periods?programme={code}")
    assert "Settle a day first." in page.text
    assert not [one for one in page.root.every("form") if one.attributes["action"] == CHECK]


def test_an_auditor_sees_periods_and_can_propose_none(bureau: Bureau) -> None:
    auditor = bureau.staff("auditor")
    page = auditor.get("/finance/periods")
    assert [form.attributes["action"] for form in page.root.every("form")] == ["/sign-out"]
    asked = {**page.form("/sign-out"), "programme": "CITY", "through": DAY, "reason": "r", "key": "k"}
    assert auditor.post(MAKE, asked).status == 403


def propose(clerk: Browser, **changes: str) -> Page:
    checked = clerk.send(clerk.get("/finance/periods"), CHECK, reason="end of the test", **changes)
    assert "Closed through" in checked.text, checked.text
    return clerk.follow(clerk.send(checked, MAKE))


def test_a_period_is_proposed_waits_and_can_be_rejected(bureau: Bureau) -> None:
    clerk, manager = bureau.staff("finance-clerk"), bureau.staff("manager")
    page = propose(clerk)
    assert page.heading == "End of a period: 23 Nov 2026"
    assert "Waits for a second person" in manager.get("/finance/periods").text
    [address] = {
        one.attributes["href"].partition("?")[0]
        for one in manager.get("/finance/periods").root.one("main").every("a")
        if "/finance/proposals/" in one.attributes["href"]
    }
    done = manager.follow(manager.send(manager.get(address), address, decision="reject", reason="not yet"))
    assert "Rejected" in done.text
    assert "Waits for a second person" not in manager.get("/finance/periods").text


def test_an_approved_period_is_closed_and_takes_nothing_any_more(bureau: Bureau) -> None:
    code, office = f"P{uuid4().hex[:8]}", bureau.office
    office.service.add_programme(code)
    office.service.add_partner(f"S{uuid4().hex[:8]}", [code])
    batch = office.settle_day(DAY, code)["id"]
    office.step(batch, "submit").raise_for_status()
    clerk, approver = bureau.staff("finance-clerk"), bureau.staff("finance-approver")
    assert f"{batch} is not approved yet" in clerk.get(f"/finance/periods?programme={code}").text
    office.step(batch, "approve", by="finance-approver").raise_for_status()
    page = clerk.get(f"/finance/periods?programme={code}")
    made = clerk.follow(clerk.send(clerk.send(page, CHECK, reason="year"), MAKE))
    address = str(made.response.request.url.path)
    shown = approver.get(f"{address}?programme={code}")
    done = approver.follow(approver.send(shown, address, decision="approve", reason="checked"))
    assert "Approved" in done.text
    page = clerk.get(f"/finance/periods?programme={code}")
    assert "Closed through 23 Nov 2026" in page.text
    assert "no settled day after the last closed period" in page.text
