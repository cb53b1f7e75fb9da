"""Balances, statements and lots over HTTP."""

from uuid import uuid4

import pytest

from tests.api.street import PROGRAMME, Street, problem
from tests.databases import LedgerDatabase
from tests.service import Service


def test_a_balance_is_read_at_another_time(database: LedgerDatabase) -> None:
    with Service.start(database, sandbox=True) as service:
        service.set_clock("2026-03-01T08:00:00Z")
        street = Street(service)
        member = street.new_member()
        member.earn(100)
        service.set_clock("2026-03-02T08:00:00Z")
        member.redeem(30, occurred_at="2026-02-20T00:00:00Z")
        path = f"/v1/members/{member.id}/balances?programme={PROGRAMME}"
        assert service.get(path).json()["available"] == 70
        assert service.get(f"{path}&as_of=2026-03-01T12:00:00Z").json()["available"] == 100
        assert service.get(f"{path}&as_of=2026-03-01T16:00:00%2B08:00").json()["as_of"] == "2026-03-01T08:00:00.000000Z"
        assert service.get(f"{path}&as_of=2026-02-01T00:00:00Z").json()["available"] == 0
        assert service.get(f"{path}&occurred_as_of=2026-03-01T12:00:00Z").json()["available"] == 70
        both = service.get(f"{path}&as_of=2026-03-01T00:00:00Z&occurred_as_of=2026-03-01T00:00:00Z")
        problem(both, 400, "malformed-request")
        problem(service.get(f"{path}&as_of=2026-03-03T00:00:00Z"), 400, "malformed-request")


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-01T00:00:00",
        "yesterday",
        "2026-03-01",
        "1740000000",
        "",
        "9999-12-31T23:59:59Z",
        "1999-01-01T00:00:00Z",
    ],
)
def test_a_time_that_cannot_be_is_refused(street: Street, time: str) -> None:
    member = street.new_member()
    for name in ("as_of", "occurred_as_of"):
        answer = street.service.get(f"/v1/members/{member.id}/balances?programme={PROGRAMME}&{name}={time}")
        assert problem(answer, 400, "malformed-request")["field"] == name


def test_a_statement_is_read_page_by_page_newest_first(street: Street) -> None:
    member = street.new_member()
    ids = [member.earn(points).json()["id"] for points in (10, 20, 30)]
    ids.append(member.redeem(15).json()["id"])
    ids.append(member.reverse(ids[-1], points=5).json()["id"])
    path: str | None = f"/v1/members/{member.id}/statement?programme={PROGRAMME}&limit=2"
    lines = []
    while path is not None:
        answer = street.service.get(path).raise_for_status()
        lines += answer.json()["lines"]
        link = answer.headers.get("link")
        path = None if link is None else link.partition(">")[0].removeprefix("<")
    assert [line["transaction_id"] for line in lines] == ids[::-1]
    assert [line["points"] for line in lines] == [5, -15, 30, 20, 10]
    assert [line["balance_after"] for line in lines] == [50, 45, 60, 30, 10]
    assert (lines[0]["reverses"], lines[1]["reversed_by"]) == (ids[3], [ids[4]])
    assert all(line["explanation"] for line in lines)


def test_a_cursor_of_another_members_statement_is_refused(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    for one in (member, other):
        one.earn(1)
        one.earn(1)
    path = f"/v1/members/{member.id}/statement?programme={PROGRAMME}&limit=1"
    cursor = street.service.get(path).json()["next_cursor"]
    stolen = street.service.get(f"/v1/members/{other.id}/statement?programme={PROGRAMME}&cursor={cursor}")
    problem(stolen, 400, "malformed-cursor")
    lots = street.service.get(f"/v1/members/{member.id}/lots?programme={PROGRAMME}&cursor={cursor}")
    problem(lots, 400, "malformed-cursor")


def test_lots_tell_who_issued_them_and_until_when_they_last(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    member.redeem(10)
    member.earn(20)
    path = f"/v1/members/{member.id}/lots?programme={PROGRAMME}"
    [lot] = street.service.get(path).json()["lots"]
    assert (lot["original"], lot["remaining"], lot["state"]) == (20, 20, "usable")
    assert lot["funding"] == [{"partner": "CAFE", "parts": 1}]
    every = street.service.get(f"{path}&all=true").json()["lots"]
    assert [one["state"] for one in every] == ["usable", "used"]


@pytest.mark.parametrize("what", ["balances", "statement", "lots"])
def test_points_are_read_of_a_known_member_in_a_known_programme(street: Street, what: str) -> None:
    member = street.new_member()
    path = f"/v1/members/{member.id}/{what}"
    missing = problem(street.service.get(path), 400, "malformed-request")
    assert missing["field"] == "programme"
    problem(street.service.get(f"{path}?programme=NOPE"), 404, "programme-not-found")
    problem(street.service.get(f"/v1/members/{uuid4()}/{what}?programme={PROGRAMME}"), 404, "member-not-found")
    assert street.service.get(f"{path}?programme={PROGRAMME}").status_code == 200


def test_a_programme_added_through_one_process_is_known_to_every_other(street: Street) -> None:
    member, code = street.new_member(), f"N{uuid4().hex[:8]}"
    street.service.add_programme(code)
    for _ in range(8):
        answer = street.service.get(f"/v1/members/{member.id}/balances?programme={code}")
        assert answer.status_code == 200, answer.text
