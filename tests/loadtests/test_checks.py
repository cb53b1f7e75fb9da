"""Each check finds what it is for: a sound run is forged in one place, and the check of that promise names it."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from loadtests.load.checks.evidence import AuditRun, Hook
from loadtests.load.checks.findings import CHECKS, run_checks
from loadtests.load.journal import Row
from loadtests.load.records import as_json, decoded
from loadtests.load.settled import Money, Payment
from tests.loadtests.forged import (
    AGENCY,
    ANN,
    BEN,
    CAFE,
    Story,
    shown_balance,
    shown_line,
    sound_story,
)

ENDS_ON_THE_FIRST_DAY = {"member": ANN, "points": 1, "expires_at": "1970-01-01T08:00:00+08:00"}

NOON = 43_200_000_000
"""When a hold ends, in microseconds of the ledger's clock."""

Forge = Callable[[Story], Any]


def broken(story: Story) -> dict[str, list[str]]:
    return {found.check: found.contradictions for found in run_checks(story.evidence()) if not found.holds}


def change_answer(story: Story, key: str, **changes: Any) -> None:
    attempt = story.of_key(key)
    attempt.answer = as_json({**decoded(attempt.answer), **changes})


def change_batch(story: Story, **changes: Any) -> None:
    [settled] = story.settled
    story.settled = [replace(settled, batch=replace(settled.batch, **changes))]


def change_points(story: Story, **changes: Any) -> None:
    change_batch(story, points=replace(story.settled[0].batch.points, **changes))


def answer_after_later_ones(story: Story) -> None:
    """The lane has a transaction first that was sent when the other one had been answered long before."""
    first, second = story.row("receipt-1"), story.row("receipt-2")
    story.of_key("receipt-2").sent = 0
    story.of_key("receipt-2").answered = 1
    assert first.sequence < second.sequence


def end_a_hold_twice(story: Story) -> None:
    hold = story.row("order-1")
    story.post("void", "order-1-twice", 0, hold=hold.sequence)


def take_more_than_held(story: Story) -> None:
    hold = story.post("hold", "order-2", 5, moved=-5, moved_held=5)
    story.post("capture", "order-2-all", 6, moved=1, moved_held=-6, hold=hold.sequence)


def read_what_was_before(story: Story) -> None:
    """A balance from before something that had been answered before it was asked for."""
    story.post("earn", "receipt-9", 5, moved=5)
    story.show("balance", ANN, shown_balance(story.row("receipt-9").available - 5))


def read_what_never_was(story: Story) -> None:
    story.show("balance", BEN, shown_balance(69, 1))


def leave_a_line_out(story: Story) -> None:
    lines = [shown_line(row) for row in reversed(story.rows) if row.member == ANN]
    story.show("statement", ANN, {"lines": lines[:1] + lines[2:], "next_cursor": None})


def cut_a_statement_short(story: Story) -> None:
    lines = [shown_line(row) for row in reversed(story.rows) if row.member == ANN]
    story.show("statement", ANN, {"lines": lines[:-1], "next_cursor": None})


def lose_a_leg_of_a_gift(story: Story) -> None:
    story.rows = [row for row in story.rows if (row.kind, row.member) != ("gift", BEN)]


def hold_until_noon(story: Story) -> Row:
    return story.post("hold", "order-3", 5, moved=-5, moved_held=5, expires_at=NOON)


def capture_what_is_over(story: Story) -> None:
    hold = hold_until_noon(story)
    story.post("capture", "order-3-all", 5, moved_held=-5, hold=hold.sequence, recorded_at=NOON)


def refuse_before_the_end(story: Story) -> None:
    hold = hold_until_noon(story)
    story.refuse("capture", "order-3-all", "hold-not-open", 5, path=f"/v1/holds/{hold.id}/captures")
    story.set_clock(NOON)


def give(story: Story, giver: str, receiver: str, points: int) -> Row:
    key = f"gift-{len(story.rows)}"
    row = story.write("gift", key, points, giver, by=giver, moved=-points)
    story.write("gift", key, points, receiver, by=giver, moved=points, arrives=True)
    story.answer(row, key)
    return row


def below_zero(story: Story) -> None:
    story.post("redeem", "too-much", 10_000, moved=-10_000)


def pay_twice(story: Story) -> None:
    again = Payment("CITY-20261123-1-1-2", CAFE, Money("CNY", "0.29"), "confirmed")
    change_batch(story, payments=[*story.settled[0].batch.payments, again])


FORGERIES: dict[str, tuple[str, Forge]] = {
    "a lost answer": (
        "answers-in-the-journal",
        lambda story: story.rows.remove(story.row("grant-1", AGENCY)),
    ),
    "other points": ("answers-in-the-journal", lambda story: change_answer(story, "receipt-1", points=101)),
    "another member": ("answers-in-the-journal", lambda story: change_answer(story, "receipt-1", member=BEN)),
    "another partner": ("answers-in-the-journal", lambda story: change_answer(story, "receipt-1", partner=AGENCY)),
    "another kind": ("answers-in-the-journal", lambda story: change_answer(story, "receipt-1", kind="redeem")),
    "another transaction's answer": (
        "answers-in-the-journal",
        lambda story: setattr(story.of_key("receipt-1"), "answer", story.of_key("line-1").answer),
    ),
    "another balance": (
        "answers-in-the-journal",
        lambda story: change_answer(story, "gift-1", balance=shown_balance(1_000_000)),
    ),
    "a line of a file that was not posted": (
        "answers-in-the-journal",
        lambda story: story.rows.remove(story.row("line-1")),
    ),
    "an order that nobody saw": ("order-is-the-clients", answer_after_later_ones),
    "a doubled effect": ("one-key-one-effect", lambda story: story.write("earn", "receipt-1", 100, moved=100)),
    "a doubled effect of a cut request": (
        "one-key-one-effect",
        lambda story: story.write("earn", "lost-1", 5, moved=5),
    ),
    "a doubled effect of a line of a file": (
        "one-key-one-effect",
        lambda story: story.write("earn", "line-1", 8, moved=8),
    ),
    "half an atomic bulk": ("one-key-one-effect", lambda story: story.rows.remove(story.row("all-2"))),
    "an item of a refused atomic bulk": (
        "one-key-one-effect",
        lambda story: story.write("redeem", "none-1", 1, moved=-1),
    ),
    "an atomic bulk refused for an item that was good": (
        "refusals-justified",
        lambda story: setattr(story.of_key("none-2"), "body", as_json({"member": BEN, "points": 1})),
    ),
    "an atomic bulk refused for no item": (
        "refusals-justified",
        lambda story: story.attempt("atomic", CAFE, "none-9", {}, status=409, answer=as_json({"code": "busy"})),
    ),
    "an effect of a refusal": ("one-key-one-effect", lambda story: story.write("redeem", "receipt-3", 1, moved=-1)),
    "half a gift": ("one-key-one-effect", lose_a_leg_of_a_gift),
    "a changed byte in a replay": (
        "one-key-one-effect",
        lambda story: setattr(
            story.attempts[1], "answer", type(story.attempts[1].answer)(bytes(story.attempts[1].answer) + b" ")
        ),
    ),
    "another status in a replay": ("one-key-one-effect", lambda story: setattr(story.attempts[1], "status", 200)),
    "done twice": ("one-key-one-effect", lambda story: setattr(story.attempts[1], "is_replay", False)),
    "a transaction that nobody asked for": (
        "nothing-unasked",
        lambda story: story.write("earn", "from nowhere", 1, moved=1),
    ),
    "a refusal of one point too many that were there": (
        "refusals-justified",
        lambda story: story.refuse("redeem", "receipt-9", "insufficient-points", story.members[ANN].available),
    ),
    "a refusal of a cap with points left": (
        "refusals-justified",
        lambda story: story.refuse("earn", "grant-9", "cap-exhausted", 10, BEN, by=AGENCY),
    ),
    "a cap that is not there": (
        "refusals-justified",
        lambda story: story.refuse("earn", "receipt-9", "cap-exhausted", 1),
    ),
    "a refusal of a capture that the hold had": (
        "refusals-justified",
        lambda story: story.refuse(
            "capture", "order-9", "capture-exceeds-hold", 0, path=story.of_key("order-1-more").path
        ),
    ),
    "an open hold said to be over": (
        "refusals-justified",
        lambda story: setattr(story.of_key("order-1-more"), "answer", as_json({"code": "hold-not-open"})),
    ),
    "a return refused that was possible": (
        "refusals-justified",
        lambda story: story.refuse(
            "reverse",
            "return-9",
            "reversal-exceeds-original",
            30,
            path=f"/v1/transactions/{story.row('receipt-2').id}/reversals",
        ),
    ),
    "a gift refused within the limit": (
        "refusals-justified",
        lambda story: story.refuse("gift", "gift-9", "limit-exceeded", 0, by=ANN, body={"to": BEN, "points": 480}),
    ),
    "a refusal without a reason here": (
        "refusals-justified",
        lambda story: story.refuse("earn", "receipt-9", "programme-closed", 1),
    ),
    "an error of the service": (
        "refusals-justified",
        lambda story: story.attempt("earn", CAFE, "receipt-9", {}, status=500),
    ),
    "a refused step of settlement": (
        "refusals-justified",
        lambda story: story.attempt("settle:run", "clerk", "run-1", {}, status=409),
    ),
    "a balance below zero in the journal": ("never-below-zero", below_zero),
    "a balance below zero in an answer": (
        "never-below-zero",
        lambda story: story.show("balance", BEN, shown_balance(-1)),
    ),
    "a row that its postings do not explain": (
        "never-below-zero",
        lambda story: story.change(story.row("receipt-2"), available=71),
    ),
    "a balance of before": ("reads-are-states", read_what_was_before),
    "a balance that never was": ("reads-are-states", read_what_never_was),
    "a statement with a line left out": ("reads-are-states", leave_a_line_out),
    "a statement cut short": ("reads-are-states", cut_a_statement_short),
    "a cap exceeded": ("caps-held", lambda story: story.post("earn", "grant-9", 11, BEN, by=AGENCY, moved=11)),
    "too much given away": ("caps-held", lambda story: give(story, ANN, BEN, 481)),
    "too much received": ("caps-held", lambda story: [give(story, giver, ANN, 251) for giver in (BEN, BEN)]),
    "a hold ended twice": ("holds-end-once", end_a_hold_twice),
    "a capture of more than was held": ("holds-end-once", take_more_than_held),
    "a capture after the hold's time": ("holds-end-once", capture_what_is_over),
    "an open hold whose time is not over said to be over": ("refusals-justified", refuse_before_the_end),
    "a capture of no hold": (
        "holds-end-once",
        lambda story: story.change(story.row("order-1"), kind="redeem"),
    ),
    "a missing webhook": ("webhooks-arrived", lambda story: setattr(story, "hooks", [Hook(AGENCY, frozenset())])),
    "a foreign webhook": (
        "webhooks-arrived",
        lambda story: setattr(story, "hooks", [Hook(AGENCY, story.hooks[0].arrived | {story.row("receipt-1").id})]),
    ),
    "a webhook with a bad signature": (
        "webhooks-arrived",
        lambda story: setattr(story, "hooks", [Hook(AGENCY, story.hooks[0].arrived, 1)]),
    ),
    "a batch that is not closed": ("settlement-closed", lambda story: change_batch(story, state="confirmed")),
    "a day that could not be settled": ("settlement-closed", lambda story: setattr(story, "unsettled", "409")),
    "a party paid twice": ("settlement-closed", pay_twice),
    "a bank that paid another sum": (
        "settlement-closed",
        lambda story: setattr(story, "settled", [replace(story.settled[0], paid_minor=30)]),
    ),
    "a payment that was returned": (
        "settlement-closed",
        lambda story: change_batch(story, payments=[replace(story.settled[0].batch.payments[0], state="returned")]),
    ),
    "a fen that is nobody's": (
        "settlement-closed",
        lambda story: change_batch(
            story, operator={**story.settled[0].batch.operator, "commission": Money("CNY", "0.02")}
        ),
    ),
    "other points issued": ("settlement-closed", lambda story: change_points(story, issued=162)),
    "other points used": ("settlement-closed", lambda story: change_points(story, redeemed=41)),
    "other points given back": ("settlement-closed", lambda story: change_points(story, restored=0)),
    "other points outstanding": ("settlement-closed", lambda story: change_points(story, closing=0)),
    "an audit that found something": (
        "audit-clean",
        lambda story: setattr(story, "audit", AuditRun(1, "lane 3: balance")),
    ),
}


def test_a_sound_run_has_no_contradiction() -> None:
    assert broken(sound_story()) == {}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_named_by_the_check_of_its_promise(forgery: str) -> None:
    check, forge = FORGERIES[forgery]
    story = sound_story()
    forge(story)
    assert check in broken(story), broken(story)


def test_every_check_is_shown_to_find_something() -> None:
    assert {check for check, _ in FORGERIES.values()} == set(CHECKS)


def test_a_refusal_is_right_where_something_at_the_same_time_explains_it() -> None:
    story = sound_story()
    available = story.members[ANN].available
    refused = story.refuse("redeem", "receipt-9", "insufficient-points", available)
    story.post("redeem", "receipt-10", 1, moved=-1)
    assert list(broken(story)) == ["refusals-justified", "settlement-closed"]
    story.of_key("receipt-10").sent = refused.answered or 0
    assert list(broken(story)) == ["settlement-closed"]


def test_a_read_may_show_either_side_of_what_happens_at_the_same_time_and_nothing_else() -> None:
    for shown, is_right in ((71, True), (76, True), (78, True), (73, False)):
        story = sound_story()
        story.settled = []
        assert story.members[BEN].available == 71
        read = story.show("balance", BEN, shown_balance(shown))
        for key, points in (("a", 5), ("b", 2)):
            story.post("earn", key, points, BEN, moved=points)
            story.of_key(key).sent = read.sent + 1
        assert ("reads-are-states" in broken(story)) is not is_right, shown


def test_what_stands_in_a_lane_before_something_answered_was_there_although_nobody_heard() -> None:
    story = Story()
    story.post("earn", "receipt-1", 10, moved=10)
    story.cut("redeem", "receipt-2", 10)
    story.write("redeem", "receipt-2", 10, moved=-10)
    story.post("earn", "receipt-3", 3, moved=3)
    story.show("balance", ANN, shown_balance(10))
    assert list(broken(story)) == ["reads-are-states"]


def test_from_a_holds_end_on_its_points_are_the_members_again_whether_or_not_that_is_posted() -> None:
    story = Story()
    story.post("earn", "receipt-1", 20, moved=20)
    story.write("reverse", "return-1", 22, moved=-20, moved_owed=2, reverses=story.row("receipt-1").place)
    story.answer(story.rows[-1], "return-1")
    story.post("earn", "receipt-2", 10, moved=8, moved_owed=-2)
    hold = story.post("hold", "order-1", 8, moved=-8, moved_held=8, expires_at=NOON)
    story.show("balance", ANN, shown_balance(0, 8))
    at = story.set_clock(NOON)
    story.show("balance", ANN, shown_balance(8))
    story.refuse("capture", "order-1-all", "hold-not-open", 8, path=f"/v1/holds/{hold.id}/captures")
    story.refuse("hold", "order-2", "hold-expiry-out-of-range", 1, body=ENDS_ON_THE_FIRST_DAY)
    assert broken(story) == {}
    held, released = story.show("balance", ANN, shown_balance(0, 8)), story.show("balance", ANN, shown_balance(8))
    story.attempts.remove(released)
    assert list(broken(story)) == ["reads-are-states"]
    held.sent = at.answered
    story.attempts.append(released)
    released.sent, released.answered = at.sent - 2, at.sent
    assert broken(story) == {}
    released.answered = at.sent - 1
    assert list(broken(story)) == ["reads-are-states"]


def test_a_holds_end_repays_first_what_the_member_owes() -> None:
    story = Story()
    story.post("earn", "receipt-1", 20, moved=20)
    story.post("hold", "order-1", 20, moved=-20, moved_held=20, expires_at=NOON)
    story.post("reverse", "return-1", 15, moved_owed=15, reverses=story.row("receipt-1").place)
    story.show("balance", ANN, {**shown_balance(0, 20), "shortfall": 15})
    story.set_clock(NOON)
    story.show("balance", ANN, shown_balance(5))
    assert broken(story) == {}


def test_a_request_that_was_cut_may_have_had_no_effect_or_one() -> None:
    story = sound_story()
    story.cut("earn", "lost-2", 5)
    assert broken(story) == {}
    story.settled = []
    story.write("earn", "lost-2", 5, moved=5)
    assert broken(story) == {}
