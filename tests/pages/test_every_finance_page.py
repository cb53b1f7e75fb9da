"""What holds of every page of the finance console, with batches in every state and all that a review can show."""

import re
from collections.abc import Iterator

import pytest

from api.pages.finance.batch_texts import BATCHES, STATES
from api.pages.finance.day_texts import DAYS
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.finance.step_texts import STEPS
from api.pages.texts import LANGUAGES
from ledger.embedded import EmbeddedPostgres
from settlement.next_steps import Doing
from settlement.unusual import RULES
from settlement.vocabulary import BATCH_STATES, NOTICE_STATES, PAYMENT_STATES
from tests.pages.browsing import Browser, Page
from tests.pages.city_provider import CityProvider
from tests.pages.finance_city import FinanceCity, close, finance_city, run_batch, take
from tests.pages.page_rules import refuse_inline, refuse_malformed, refuse_other_language, refuse_without_token
from tests.pages.test_every_page import AREAS

# What a person wrote stays as it was written.
SHOWN = {**AREAS, "batch-steps": {key: texts for key, texts in STEPS.items() if not key.startswith("usual_")}}
STEP_NAMES = ("submit", "approve", "cancel", "instruct", "close")


@pytest.fixture(scope="module")
def finance(postgres: EmbeddedPostgres, migrated_template: str, provider: CityProvider) -> Iterator[FinanceCity]:
    """An office with a history that this file looks at and does not change."""
    with finance_city(postgres, migrated_template, provider, "finance_pages") as city:
        yield city
        city.city.close_browsers()


@pytest.fixture(autouse=True)
def _closed_browsers() -> None:
    """The browsers here are the whole file's."""


@pytest.fixture(scope="module")
def people(finance: FinanceCity) -> list[Browser]:
    """A clerk, an approver and an auditor."""
    return [finance.browser_of(role) for role in ("finance-clerk", "finance-approver", "auditor")]


@pytest.fixture(scope="module")
def batches(finance: FinanceCity, people: list[Browser]) -> dict[str, str]:
    """A batch in each of some states, by state; the last one has much to say of it."""
    clerk, approver, _ = people
    finance.new_programme("EVERY", issued=20_000, redeemed=1_000)
    found: dict[str, str] = {}
    for state in ("closed", "instructed", "approved"):
        close(clerk, "EVERY", finance.next_morning())
        found[state] = run_batch(clerk, "EVERY")
        take(clerk, found[state], "submit")
        take(approver, found[state], "approve")
        if state != "approved":
            take(clerk, found[state], "instruct")
        finance.trade("EVERY", 300_000, 100_000 if state == "instructed" else 0)
    take(clerk, found["instructed"], "close")
    close(clerk, "EVERY", finance.next_morning())
    found["draft"] = run_batch(clerk, "EVERY")
    finance.new_programme("EMPTY")
    finance.new_programme("OPEN")
    return found


def pages(people: list[Browser], batches: dict[str, str], language: str) -> Iterator[tuple[str, Page]]:
    """Every page of the console in a language, as each person sees it."""
    paths = ["/finance", "/finance/batches", "/finance?programme=NONE", "/finance/batches/NONE-1", "/finance/run"]
    paths += [f"/finance{path}?programme=EVERY" for path in ("", "/batches", "/run", "/days/2026-11-30/close")]
    paths += [f"/finance?programme={code}" for code in ("EMPTY", "OPEN")]
    paths += [f"/finance/batches/{batch}" for batch in batches.values()]
    paths += [f"/finance/batches/{batches['draft']}?done=draft", "/finance?programme=EVERY&before=2026-11-24"]
    paths += [f"/finance/batches/{batch}/{step}" for batch in batches.values() for step in STEP_NAMES]
    for number, browser in enumerate(people):
        browser.get(f"/preferences?language={language}")
        yield from ((f"{number}{path}", browser.get(path)) for path in paths)
    clerk = people[0]
    action = f"/finance/batches/{batches['draft']}/cancel"
    yield "no reason", clerk.send(clerk.get(action), action, reason="")
    action = "/finance/days/2026-12-20/close"
    yield "too early", clerk.send(clerk.get(f"{action}?programme=EVERY"), action)


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_pages_keep_to_the_rules_of_every_page(people: list[Browser], batches: dict[str, str], language: str) -> None:
    links: set[str] = set()
    for path, page in pages(people, batches, language):
        assert page.status in {200, 404, 409, 422}, (path, page.status, page.text)
        refuse_malformed(path, page, language)
        refuse_inline(path, page)
        refuse_without_token(path, page)
        refuse_other_language(path, page, language, SHOWN)
        assert not re.search(r"\{\w*\}", page.text), path
        assert "None" not in page.text, path
        assert "NONE" in path or "Demo" not in page.text, path
        if path.startswith("0"):
            links |= {link.attributes["href"] for link in page.root.every("a")}
    for link in links - {"#main"}:
        assert people[0].get(link).status in {200, 303}, link


def test_everything_that_can_be_named_has_a_name() -> None:
    assert {f"state_{state}" for state in BATCH_STATES} <= set(STATES)
    assert {f"payment_{state}" for state in PAYMENT_STATES} <= set(STATES)
    assert {f"notice_{state}" for state in NOTICE_STATES} <= set(STATES)
    assert {f"now_{state}" for state in BATCH_STATES} <= set(BATCHES)
    assert {f"{what}_{rule}" for rule in RULES for what in ("found", "rule")} <= set(BATCHES)
    doings = Doing.__args__  # type: ignore[attr-defined]
    assert {f"{what}_{doing}" for doing in doings for what in ("next", "about")} <= set(DAYS)
    assert {f"{what}_{name}" for name in STEP_NAMES for what in ("ask", "will", "now")} <= set(STEPS)
    shared = [set(one) for one in (DAYS, BATCHES, STATES, STEPS, REFUSALS)]
    assert sum(len(one) for one in shared) == len(set().union(*shared)) + len(set(BATCHES) & set(STEPS))
