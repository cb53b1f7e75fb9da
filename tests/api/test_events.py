"""The feed of events: in order, gap-free, a partner's own, without anything that anybody wrote freely."""

import threading
from typing import Any
from uuid import uuid4

import pytest

from tests.api.street import PROGRAMME, Regular, Street, problem

PLANTED = "planted-words-4711"


def page(street: Street, key: str | None, **parameters: Any) -> dict[str, Any]:
    answer = street.service.get("/v1/events", key=key, params=parameters).raise_for_status()
    document: dict[str, Any] = answer.json()
    return document


def now(street: Street, key: str | None) -> str:
    return str(page(street, key, **{"from": "now"})["next_cursor"])


def everything_after(street: Street, key: str | None, after: str, limit: int = 7) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for _ in range(1000):
        found = page(street, key, after=after, limit=limit)
        events += found["events"]
        after = found["next_cursor"]
        if not found["events"]:
            return events
    pytest.fail("the feed has no end")


def test_a_partners_transactions_come_in_the_order_of_their_recording(live_street: Street) -> None:
    street = live_street
    start = now(street, street.cafe)
    members = [street.new_member() for _ in range(4)]
    posted = [member.earn(10 + turn).json()["id"] for turn in range(5) for member in members]
    posted += [members[0].redeem(15).json()["id"], members[0].reverse(posted[0]).json()["id"]]
    events = everything_after(street, street.cafe, start)
    assert [event["id"] for event in events] == posted
    assert [event["type"].split(".")[2] for event in events[-3:]] == ["earn", "redeem", "reverse"]
    assert page(street, street.cafe, after=start, limit=200)["events"] == events


def test_an_event_is_a_cloud_event_that_tells_what_the_transaction_tells_but_no_balance(street: Street) -> None:
    start = now(street, street.cafe)
    member = street.new_member()
    posted = member.spend("12.00", headers={"Member-Token": member.token()}).json()
    assert posted["balance"]["available"] == 12
    [event] = everything_after(street, street.cafe, start)
    told = street.service.get(f"/v1/transactions/{posted['id']}", key=street.cafe).json()
    told.pop("balance")
    assert event.pop("data") == told
    assert event == {
        "specversion": "1.0",
        "id": posted["id"],
        "source": "/v1/transactions",
        "type": "citypoints.transaction.earn.v1",
        "subject": member.id,
        "time": posted["recorded_at"],
        "datacontenttype": "application/json",
    }


def test_nothing_that_a_caller_wrote_freely_is_in_an_event(street: Street) -> None:
    start = now(street, street.cafe)
    member = street.new_member()
    texts = {"reference": PLANTED, "evidence": PLANTED, "metadata": {"note": PLANTED}}
    earn = member.earn(10, **texts).raise_for_status().json()["id"]
    member.reverse(earn, reason=PLANTED).raise_for_status()
    answer = street.service.get("/v1/events", key=street.cafe, params={"after": start})
    assert len(answer.json()["events"]) == 2
    for word in (PLANTED, member.ref.removeprefix("ref:"), member.card.removeprefix("card:")):
        assert word not in answer.text


def test_a_partner_sees_its_own_events_alone_and_staff_those_of_the_ledger(street: Street) -> None:
    starts = {key: now(street, key) for key in (street.cafe, street.books, None)}
    theirs = street.new_member(street.books).earn(3).json()["id"]
    found = {key: [event["id"] for event in everything_after(street, key, start)] for key, start in starts.items()}
    assert found == {street.cafe: [], street.books: [theirs], None: []}


def test_an_empty_page_has_a_cursor_that_goes_on_from_there(street: Street) -> None:
    start = now(street, street.cafe)
    empty = page(street, street.cafe, after=start)
    assert empty["events"] == []
    earn = street.new_member().earn(5).json()["id"]
    for cursor in (start, empty["next_cursor"]):
        assert [event["id"] for event in page(street, street.cafe, after=cursor)["events"]] == [earn]


def test_without_a_cursor_the_feed_begins_with_the_first_event(street: Street) -> None:
    street.new_member().earn(5)
    first = page(street, street.cafe, limit=1)
    assert first == page(street, street.cafe, limit=1, **{"from": "start"})
    rest = everything_after(street, street.cafe, first["next_cursor"], 200)
    assert first["events"][0] not in rest


@pytest.mark.parametrize("change", ["flip", "cut", "other-partner", "other-list", "nonsense"])
def test_a_cursor_that_was_not_issued_for_the_feed_is_refused(street: Street, change: str) -> None:
    street.new_member().earn(5)
    cursor = page(street, street.cafe, limit=1)["next_cursor"]
    changed = {
        "flip": cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:],
        "cut": cursor[:-4],
        "other-partner": page(street, street.books, limit=1)["next_cursor"],
        "other-list": "AAAA" + cursor,
        "nonsense": "né",
    }[change]
    refused = street.service.get("/v1/events", key=street.cafe, params={"after": changed})
    assert problem(refused, 400, "malformed-cursor")["field"] == "after"


def test_what_cannot_be_asked_for_is_refused(street: Street) -> None:
    cursor = now(street, street.cafe)
    for parameters in ({"limit": 0}, {"limit": 201}, {"from": "yesterday"}, {"from": "now", "after": cursor}):
        problem(street.service.get("/v1/events", key=street.cafe, params=parameters), 400, "malformed-request")
    token = street.new_member().token()
    problem(street.service.get("/v1/events", key=token), 403, "forbidden")


def test_nothing_is_missed_while_others_post(street: Street) -> None:
    start = now(street, street.cafe)
    posted: set[str] = set()

    def post(member: Regular) -> None:
        for number in range(40):
            posted.add(member.earn(1, idempotency_key=f"{member.id}-{number}").json()["id"])

    posters = [threading.Thread(target=post, args=(street.new_member(),)) for _ in range(4)]
    for poster in posters:
        poster.start()
    seen: list[dict[str, Any]] = []
    while any(poster.is_alive() for poster in posters):
        found = page(street, street.cafe, after=start, limit=20)
        seen += found["events"]
        start = found["next_cursor"]
    seen += everything_after(street, street.cafe, start)
    assert {event["id"] for event in seen} == posted
    assert len(seen) == len(posted) == 160
    by_lane: dict[int, list[int]] = {}
    for event in seen:
        by_lane.setdefault(event["data"]["lane"], []).append(event["data"]["sequence"])
    assert all(sequences == sorted(sequences) for sequences in by_lane.values())


def test_a_cursor_stays_short_enough_for_an_address_with_every_lane_in_it(street: Street) -> None:
    for _ in range(80):
        street.service.post(
            "/v1/earnings",
            {"programme": PROGRAMME, "member": street.new_member().ref, "points": 1, "scene": "food"},
            key=street.cafe,
            idempotency_key=uuid4().hex,
        ).raise_for_status()
    cursor = page(street, street.cafe, limit=200)["next_cursor"]
    assert len(cursor) < 1000
