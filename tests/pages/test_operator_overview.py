"""The operator's overview: whether all is well, in sentences, each with what to do where it is not."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from api.measurements_read import percentiles
from ledger.audit.keeping import keep_report
from ledger.audit.report import AuditReport, Difference
from ledger.store.audits import AuditKind
from ledger.store.unit_of_work import open_pool
from tests.pages.browsing import Browser, Element
from tests.pages.conftest import City


@pytest.fixture
def operator(city: City) -> Browser:
    """A browser in which an operator is signed in."""
    return city.sign_in(to="/operator", sub=f"operator-{uuid4().hex[:6]}", citypoints_roles=["operator"])


@pytest.fixture
def _clean(city: City) -> Iterator[None]:
    """Nothing is left of what a test says of audits and jobs."""
    yield
    city.ask("delete from audits")
    city.ask("delete from jobs")


def sentences(browser: Browser) -> list[str]:
    """Each check with its mark."""
    page = browser.get("/operator")
    assert page.status == 200, page.text
    lists: list[Element] = [one for one in page.root.every("ul") if one.attributes.get("class") == "checks"]
    return [one.text for one in lists[0].inside]


def keep(city: City, kind: AuditKind, *differences: Difference) -> None:
    """Keep the end of an audit, as the command does."""
    report = AuditReport(
        transactions=1_234,
        lanes=64,
        keys=9,
        erased_details=0,
        difference_count=len(differences),
        differences=differences,
        seconds=0.5,
        seals=3,
    )

    async def kept() -> None:
        async with open_pool(city.service.database.service_url, 1) as pool:
            await keep_report(pool, kind, report)

    asyncio.run(kept())


def of(browser: Browser, words: str) -> str:
    [found] = [sentence for sentence in sentences(browser) if words in sentence]
    return found


@pytest.mark.usefixtures("_clean")
def test_the_overview_says_what_is_not_well_and_what_to_do(city: City, operator: Browser) -> None:
    assert of(operator, "The database answers").startswith("good ")
    assert of(operator, "Empty partitions").startswith("good ")
    assert "citypoints audit --since-seal" in of(operator, "No audit has been run yet.")
    assert "citypoints seal" in of(operator, "Nothing is sealed yet.")
    assert of(operator, "No worker has run yet.").startswith("wrong ")
    assert "citypoints worker" in of(operator, "No worker has run yet.")
    page = operator.get("/operator")
    assert "Things to look at: " in page.text
    links = {link.attributes["href"] for link in page.root.one("main").every("a")}
    assert links <= {"/operator", "/operator/appeals"}, "nothing leads to a file that the service does not serve"


@pytest.mark.usefixtures("_clean")
def test_an_audit_is_told_with_what_differs(city: City, operator: Browser) -> None:
    keep(city, "full")
    keep(city, "since-seal")
    assert of(operator, "The last audit of the whole journal").startswith("good ")
    assert of(operator, "The last audit, ").startswith("good ")
    assert "1,234 transactions" in of(operator, "The last audit, ")
    keep(city, "full", Difference(3, "transaction 5 <b>", "hash", "aa", "bb"))
    found = [one for one in sentences(operator) if ": 1. The first are" in one]
    assert len(found) == 2, "as the latest of any kind, and of the whole journal"
    assert all("lane 3, transaction 5 <b>: hash" in one for one in found)
    assert all("Keep the database as it is" in one for one in found)
    assert all("aa" not in one.split() for one in found), "the values stay out of the database"


@pytest.mark.usefixtures("_clean")
def test_an_audit_of_long_ago_is_due(city: City, operator: Browser) -> None:
    keep(city, "full")
    city.ask("update audits set finished_at = finished_at - interval '40 days'")
    assert of(operator, "One a month is wanted").startswith("look at it ")
    assert of(operator, "One a day is wanted").startswith("look at it ")


@pytest.mark.usefixtures("_clean")
@pytest.mark.parametrize(
    ("outcome", "next_run", "said", "mark"),
    [
        ("seal 4 is the last", "1 hour", "none of its 1 jobs failed or is late", "good"),
        ("failed: LedgerAltered", "1 minute", "These jobs failed the last time: seal.", "wrong"),
        ("seal 4 is the last", "-3 hours", "a job is late by 3 hours", "wrong"),
    ],
)
def test_the_workers_jobs_are_told(
    city: City, operator: Browser, outcome: str, next_run: str, said: str, mark: str
) -> None:
    city.ask(
        "insert into jobs (job, next_run_at, last_started_at, last_finished_at, last_outcome)"
        " values ('seal', now() + %s::interval, now(), now(), %s)",
        next_run,
        outcome,
    )
    assert of(operator, said).startswith(mark)
    [row] = [row for row in operator.get("/operator").root.every("tr") if "seal" in row.text]
    assert outcome in row.text


def test_what_was_posted_is_counted_by_hours(city: City, operator: Browser) -> None:
    before = counted(operator)
    member = city.street.new_member()
    for _ in range(7):
        member.earn(1, scene="food").raise_for_status()
    assert counted(operator) >= before + 7
    page = operator.get("/operator")
    [chart] = [one for one in page.root.every("svg") if one.attributes["class"] == "chart"]
    assert len(chart.every("rect")) == 24
    assert "Half within" in page.text
    assert "99% within" in page.text


def counted(browser: Browser) -> int:
    """The transactions of the last 24 hours, out of the table beneath the chart."""
    table = browser.get("/operator").root.one("table")
    cells = [cell.text.replace(",", "") for cell in table.every("td")]
    assert len(cells) == 24
    return sum(int(cell) for cell in cells)


def test_deliveries_holds_and_appeals_that_wait_are_told(city: City, operator: Browser) -> None:
    member = city.street.new_member()
    member.earn(50, scene="food").raise_for_status()
    member.hold(20, scene="food").raise_for_status()
    # Released long ago as every reader sees it; only the posting is missing.
    city.ask("update holds set expires_at = now() - interval '3 hours' where remaining > 0")
    late = of(operator, "Holds past their time")
    assert late.startswith("look at it ")
    assert "the first for 3 hours" in late
    city.ask("update holds set expires_at = now() + interval '3 hours' where remaining > 0")
    assert of(operator, "No hold is past its time.").startswith("good ")
    # Other tests leave deliveries behind that no worker takes.
    city.ask("delete from webhook_deliveries")
    assert of(operator, "Deliveries to webhooks that wait").startswith("good ")


@pytest.mark.parametrize(
    ("buckets", "found"),
    [
        ({}, ()),
        ({0.1: 0, 1.0: 0, float("inf"): 0}, ()),
        ({0.1: 50, 1.0: 95, 2.5: 99, float("inf"): 100}, (0.1, 1.0, 2.5)),
        ({0.1: 49, 1.0: 94, 2.5: 98, float("inf"): 100}, (1.0, 2.5, None)),
    ],
)
def test_percentiles_are_the_limits_that_were_measured(
    buckets: dict[float, float], found: tuple[float | None, ...]
) -> None:
    assert percentiles(buckets, (0.5, 0.95, 0.99)) == found
