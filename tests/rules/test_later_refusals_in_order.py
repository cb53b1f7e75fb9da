"""Each refusal of holds, gifts, staff's commands and caps, in the documented order; see test_refusals_in_order."""

from functools import partial
from typing import Any

import msgspec
import pytest

from ledger.rules.commands import MAXIMUM_COVER, MAXIMUM_MINOR, MAXIMUM_POINTS, AnyCommand
from ledger.rules.outcomes import KeyReused, Posted, Refused, Replayed
from tests.builders import BANK, CINEMA, DAY, NOON, SUPERMARKET, earn, programme, redeem, registry, reverse
from tests.rarer_builders import (
    adjust,
    atomic,
    cap,
    capture,
    close,
    cover,
    freeze,
    gift,
    grant_cap,
    grant_cover,
    hold,
    merge,
    move,
    notice,
    unfreeze,
    void,
    write_off,
)
from tests.rules.funded_builders import funded
from tests.rules.ledger_in_memory import LedgerInMemory
from tests.rules.test_refusals_in_order import CODES, SETTING, YESTERDAY, Checks, Fault, rows

EARN: Checks = [
    *SETTING,
    ("amount-out-of-range", {"points": MAXIMUM_POINTS + 1}),
    ("cap-exhausted", {"points": 51}),
    ("issuer-cover-exhausted", {"points": 41}),
]
HOLD: Checks = [
    *SETTING,
    ("currency-mismatch", {"cash_minor": MAXIMUM_MINOR + 1, "currency": "EUR"}),
    ("amount-out-of-range", {"cash_minor": MAXIMUM_MINOR + 1, "currency": "CNY"}),
    ("hold-expiry-out-of-range", {"expires_at": NOON}),
    ("insufficient-points", {"points": 101}),
]
GIFT: Checks = [
    ("programme-not-found", {"programme_code": "NONE"}),
    ("programme-closed", {"is_open": False}),
    ("member-not-found", {"member": None}),
    ("member-closed", {"status": "closed"}),
    ("member-frozen", {"status": "frozen"}),
    ("receiver-not-found", {"receiver": None}),
    ("receiver-not-active", {"receiver_name": "m2", "receiver_status": "frozen"}),
    ("same-member", {"receiver_name": "m1"}),
    ("amount-out-of-range", {"points": MAXIMUM_POINTS + 1}),
    ("limit-exceeded", {"points": 5_001}),
    ("insufficient-points", {"points": 101}),
]
ADJUST: Checks = [
    ("programme-not-found", {"programme_code": "NONE"}),
    ("partner-not-found", {"partner_code": "NOBODY"}),
    ("member-not-found", {"member": None}),
    ("member-closed", {"status": "closed"}),
    ("amount-out-of-range", {"points": MAXIMUM_POINTS + 1}),
    ("insufficient-points", {"points": 101, "takes": True}),
]
WRITE_OFF: Checks = [
    ("programme-not-found", {"programme_code": "NONE"}),
    ("member-not-found", {"member": None}),
    ("write-off-exceeds-shortfall", {"points": 1}),
]
NOTICE: Checks = [
    ("programme-not-found", {"programme_code": "NONE"}),
    ("member-not-found", {"member": None}),
]
MERGE: Checks = [
    ("member-not-found", {"member": None}),
    ("receiver-not-found", {"receiver": None}),
    ("same-member", {"into": "m1"}),
    ("member-closed", {"status": "closed"}),
    ("member-frozen", {"status": "frozen"}),
]
MOVE: Checks = [
    ("member-not-found", {"member": None}),
    ("lane-not-found", {"to_lane": 2}),
    ("same-lane", {"to_lane": 1}),
]
FREEZE: Checks = [
    ("member-not-found", {"member": None}),
    ("member-closed", {"status": "closed"}),
    ("member-frozen", {"status": "frozen"}),
]
UNFREEZE: Checks = [
    ("member-not-found", {"member": None}),
    ("member-closed", {"status": "closed"}),
    ("member-not-frozen", {}),
]
CLOSE: Checks = [
    ("member-not-found", {"member": None}),
    ("member-closed", {"status": "closed"}),
    ("member-not-empty", {}),
]
GRANT: Checks = [
    ("cap-not-found", {"code": "NONE"}),
    ("amount-out-of-range", {"points": MAXIMUM_POINTS + 1}),
]
GRANT_COVER: Checks = [
    ("cap-not-found", {"partner": CINEMA}),
    ("amount-out-of-range", {"amount": MAXIMUM_COVER + 1}),
    ("cover-in-use", {"amount": 40 * 120 + 1, "takes": True}),
]

TABLES: dict[str, tuple[Any, Checks]] = {
    "earn": (earn, EARN),
    "hold": (hold, HOLD),
    "gift": (gift, GIFT),
    "adjust": (adjust, ADJUST),
    "write-off": (write_off, WRITE_OFF),
    "notice": (lambda **changes: notice(programme().business_day(NOON), **changes), NOTICE),
    "merge": (merge, MERGE),
    "move": (move, MOVE),
    "freeze": (freeze, FREEZE),
    "unfreeze": (unfreeze, UNFREEZE),
    "close": (close, CLOSE),
    "grant-cap": (lambda points=1, **changes: grant_cap(points, **changes), GRANT),
    "grant-cover": (lambda amount=1, **changes: grant_cover(amount, **changes), GRANT_COVER),
}
ROWS = [
    pytest.param(command, *row.values, id=f"{name}: {row.id}")
    for name, (command, checks) in TABLES.items()
    for row in rows(checks)
]


def submit_with(faults: Fault, command: Any) -> Refused:
    """Submit the command to a ledger in which member 1 has 100 points, with everything wrong that is named."""
    caps = (cap(), cover(BANK, number=2))
    ledger = LedgerInMemory(set_up=funded(caps=caps))
    ledger.post(grant_cap(150))
    ledger.post(grant_cover(140 * 120))
    ledger.post(earn(100))
    faults = dict(faults)
    setting = {name: faults.pop(name) for name in ("issuers", "acceptors", "is_open") if name in faults}
    ledger.state.registry = funded(programme(closed_through=YESTERDAY, **setting), caps=ledger.state.registry.caps)
    ledger.state.members[1].status = faults.pop("status", "active")
    ledger.state.members[2].status = faults.pop("receiver_status", "active")
    ledger.state.codes = dict(CODES)
    resolved: Fault = {name: faults.pop(name) for name in ("member", "receiver") if name in faults}
    if "presented" in faults:
        resolved["code"] = faults.pop("presented")
    for name, field in (("programme_code", "programme"), ("receiver_name", "receiver"), ("partner_code", "partner")):
        if name in faults:
            faults[field] = faults.pop(name)
    return ledger.refuse(command(**faults), **resolved)


@pytest.mark.parametrize(("command", "code", "faults"), ROWS)
def test_a_later_command_is_refused_for_the_first_rule_it_breaks(command: Any, code: str, faults: Fault) -> None:
    assert submit_with(faults, command).code == code


def held_ledger() -> tuple[LedgerInMemory, Any]:
    """Member 1 has 100 points, 60 of them held for the bank."""
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    return ledger, ledger.entry(hold(60))


TOO_MUCH_IN_EUROS: Fault = {"points": 61, "cash_minor": MAXIMUM_MINOR + 1, "currency": "EUR"}


def test_a_hold_unknown_or_of_another_partner_is_not_found_whatever_else_is_wrong() -> None:
    ledger, held = held_ledger()
    ledger.post(void(held))
    for command in (capture(held, **TOO_MUCH_IN_EUROS), void(held)):
        assert ledger.refuse(command, hold=None).code == "hold-not-found"
        assert ledger.refuse(command, partner=CINEMA).code == "hold-not-found"


def test_a_transaction_that_is_no_hold_is_not_found_as_one() -> None:
    ledger, _ = held_ledger()
    [earned] = [entry for entry in ledger.state.entries if entry.transaction.kind == 1]
    assert ledger.refuse(void(earned)).code == "hold-not-found"


def test_a_hold_that_is_over_is_refused_before_currency_and_amount() -> None:
    for end in (void, capture, partial(capture, points=1, final=True)):
        ledger, held = held_ledger()
        ledger.post(end(held))
        assert ledger.refuse(capture(held, **TOO_MUCH_IN_EUROS)).code == "hold-not-open"
        assert ledger.refuse(void(held)).code == "hold-not-open"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (TOO_MUCH_IN_EUROS, "currency-mismatch"),
        (TOO_MUCH_IN_EUROS | {"currency": "CNY"}, "amount-out-of-range"),
        ({"points": 61}, "capture-exceeds-hold"),
    ],
)
def test_a_capture_is_refused_for_the_first_rule_it_breaks(changes: Fault, code: str) -> None:
    ledger, held = held_ledger()
    assert ledger.refuse(capture(held, **changes)).code == code


def test_a_capture_above_the_hold_says_what_was_asked_and_what_is_held() -> None:
    ledger, held = held_ledger()
    ledger.post(capture(held, 20))
    assert ledger.refuse(capture(held, 41)).facts == {"requested": 41, "held": 40}
    assert ledger.points().held == 40


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_hold_can_end_for_a_frozen_or_closed_member_of_a_closed_programme(status: str) -> None:
    ledger, held = held_ledger()
    ledger.state.registry = registry(programme(is_open=False, issuers=frozenset(), acceptors=frozenset()))
    ledger.state.members[1].status = status
    ledger.post(capture(held, 10))
    ledger.post(void(held))
    assert ledger.points().available == 90


@pytest.mark.parametrize(
    ("expires_at", "is_posted"), [(1, True), (366 * DAY, True), (0, False), (366 * DAY + 1, False)]
)
def test_a_hold_ends_after_now_and_within_366_days(expires_at: int, is_posted: bool) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(1))
    outcome = ledger.submit(ledger.submission(hold(1, expires_at=NOON + expires_at)))
    assert isinstance(outcome, Posted if is_posted else Refused)


def test_an_adjustment_may_be_made_for_a_frozen_member_but_not_take_what_another_funds() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    ledger.state.members[1].status = "frozen"
    ledger.post(adjust(5, partner="SUPERMARKET"))
    refused = ledger.refuse(adjust(6, takes=True, partner="SUPERMARKET"))
    assert refused.facts == {"requested": 6, "available": 5}


def test_a_write_off_says_what_is_owed() -> None:
    ledger = LedgerInMemory()
    refused = ledger.refuse(write_off())
    assert (refused.code, refused.facts) == ("write-off-exceeds-shortfall", {"requested": 0, "shortfall": 0})


def test_an_atomic_command_is_refused_as_its_first_bad_item_is_and_says_which() -> None:
    ledger = LedgerInMemory()
    refused = ledger.refuse(atomic(earn(10), redeem(11), earn(1, programme="NONE")))
    assert refused.code == "bulk-item-refused"
    assert refused.facts == {
        "item": 1,
        "key": "item-1",
        "refusal": {"code": "insufficient-points", "requested": 11, "available": 10},
    }
    assert ledger.state.entries == []


def test_what_ends_in_a_hold_or_member_cannot_be_reversed() -> None:
    ledger, held = held_ledger()
    voided = ledger.entry(void(held))
    given = ledger.entry(gift(5))
    corrected = ledger.entry(adjust(5), partner=0)
    frozen = ledger.entry(freeze(), partner=0)
    for entry in (held, voided, given, corrected, frozen):
        assert ledger.refuse(reverse(entry)).code == "not-reversible"


LATER_COMMANDS: list[AnyCommand] = [
    hold(10),
    gift(10),
    adjust(10),
    merge(),
    move(),
    freeze(),
    grant_cap(10),
    atomic(earn(1)),
]


@pytest.mark.parametrize("command", LATER_COMMANDS, ids=[type(command).__name__ for command in LATER_COMMANDS])
def test_a_later_command_replays_before_any_other_check_and_has_one_effect(command: AnyCommand) -> None:
    ledger = LedgerInMemory(caps=(cap(),))
    ledger.post(grant_cap(200))
    ledger.post(earn(100))
    ledger.post(command, key="k1", partner=SUPERMARKET)
    ledger.state.members[1].status = "closed"
    entries = list(ledger.state.entries)
    again = ledger.submission(command, key="k1", partner=SUPERMARKET)
    assert isinstance(ledger.submit(again), Replayed)
    other = msgspec.structs.replace(again, request_digest=bytes(16))
    assert isinstance(ledger.submit(other), KeyReused)
    assert ledger.state.entries == entries


def test_derived_commands_of_a_hold_replay_like_plain_ones() -> None:
    ledger, held = held_ledger()
    for command, key in ((capture(held, 20), "c1"), (void(held), "v1")):
        ledger.post(command, key=key)
        assert isinstance(ledger.submit(ledger.submission(command, key=key)), Replayed)
    assert (ledger.points().available, ledger.points().held) == (80, 0)
    assert ledger.refuse(capture(held, 20), partner=BANK).code == "hold-not-open"
