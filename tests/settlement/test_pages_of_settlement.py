"""Lists of settlement: whole, in order and without repeats over pages, however long they have become."""

from typing import Any

import psycopg
import pytest

from tests.api.street import problem
from tests.settlement.finance_office import PROGRAMME, FinanceOffice

# Suspense and disputes of the same instants, which only their ids tell apart, as whole files of a bank bring them.
FILL = """
insert into settlement_days (programme, day, cut_off_at, closed_at, closed_by)
select programme, date '2024-01-01' + n, '2026-01-01', '2026-01-01', 'clerk'
from programmes, generate_series(0, 6) n where code = 'CITY';
insert into settlement_batches (batch, programme, first_day, last_day, revision, state, digest, inputs, figures)
select
    'CITY-' || to_char(day, 'YYYYMMDD') || '-' || revision,
    programme, day, day, revision, 'cancelled', sha256(''), '', ''
from settlement_days, generate_series(1, 2) revision;
insert into suspense_items (item, programme, amount_minor, booked_on, currency, payer, remittance)
select gen_random_uuid(), programme, 100, date '2024-01-01' + n % 2, 'CNY', 'somebody', 'rest'
from programmes, generate_series(0, 6) n where code = 'CITY';
insert into disputes (
    dispute, sequence, points, amount_minor, commission_minor, reserve_minor, opened_at, programme, acceptor, lane,
    is_held, reason, opened_by)
select gen_random_uuid(), n, 1, 1, 0, 1, '2024-01-01', programme, partner, 0, false, 'not received', 'clerk'
from programmes, partners, generate_series(1, 7) n where programmes.code = 'CITY' and partners.code = 'CAFE';
"""
PATHS = {
    "days": f"/v1/settlement-days?programme={PROGRAMME}",
    "batches": f"/v1/settlement-batches?programme={PROGRAMME}",
    "proposals": "/v1/settlement-proposals?state=rejected",
    "suspense": "/v1/suspense?",
    "disputes": "/v1/disputes?",
}
CNY = {"currency": "CNY", "amount": "1.00"}
ROWS = {"days": 7, "batches": 14, "proposals": 7, "suspense": 7, "disputes": 7}


@pytest.fixture(scope="module")
def full_office(shared_office: FinanceOffice) -> FinanceOffice:
    """An office with a past."""
    for _ in range(ROWS["proposals"]):
        proposed = shared_office.propose(operation="reserve", direction="fund", amount=CNY)
        shared_office.decide(proposed, "rejection").raise_for_status()
    with psycopg.connect(shared_office.service.database.superuser_url) as connection:
        connection.execute(FILL)
    return shared_office


def pages(office: FinanceOffice, path: str, limit: int) -> list[list[dict[str, Any]]]:
    """Every page, followed by its Link as a client does."""
    found = []
    following: str | None = f"{path}&limit={limit}"
    while following is not None:
        answer = office.send("GET", following).raise_for_status()
        found.append(answer.json()["items"])
        link = answer.headers.get("Link")
        assert (link is None) == (answer.json()["next_cursor"] is None)
        following = None if link is None else link[1 : link.index(">")]
    return found


@pytest.mark.parametrize("name", PATHS)
def test_every_list_is_the_same_on_one_page_and_on_many(full_office: FinanceOffice, name: str) -> None:
    [whole] = pages(full_office, PATHS[name], 200)
    assert len(whole) == ROWS[name]
    for limit in (1, 3, 7):
        found = pages(full_office, PATHS[name], limit)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert [item for page in found for item in page] == whole


def test_the_latest_come_first_and_of_a_day_the_latest_revision(full_office: FinanceOffice) -> None:
    [batches] = pages(full_office, PATHS["batches"], 200)
    assert [one["id"] for one in batches][:3] == ["CITY-20240107-2", "CITY-20240107-1", "CITY-20240106-2"]
    [days] = pages(full_office, PATHS["days"], 200)
    assert [one["day"] for one in days] == [f"2024-01-0{number}" for number in range(7, 0, -1)]


def test_a_cursor_is_of_its_own_list_only(full_office: FinanceOffice) -> None:
    full_office.service.add_programme("OTHER")
    cursor = full_office.send("GET", f"{PATHS['days']}&limit=1").json()["next_cursor"]
    for path in (PATHS["batches"], PATHS["disputes"], "/v1/settlement-days?programme=OTHER"):
        problem(full_office.send("GET", f"{path}&cursor={cursor}"), 400, "malformed-cursor")
    for altered in (cursor[:-1], cursor + "A", "A" * 40, ""):
        problem(full_office.send("GET", f"{PATHS['days']}&cursor={altered}"), 400, "malformed-cursor")
