"""Each refusal, in the documented order: a row breaks its own rule and every later one, and is named for its own."""

from datetime import date
from typing import Any

import pytest

from ledger.ids import Place
from ledger.rules.commands import MAXIMUM_MINOR, MAXIMUM_POINTS, Expire, PartnerCommand
from ledger.rules.outcomes import KeyReused, Posted, Refused, Replayed
from ledger.rules.state import CodeState
from tests.builders import (
    BANK,
    CINEMA,
    DAY,
    NOON,
    SECOND,
    SUPERMARKET,
    earn,
    expire,
    programme,
    redeem,
    registry,
    reverse,
    take_back,
)
from tests.rules.ledger_in_memory import LedgerInMemory

Fault = dict[str, Any]
Checks = list[tuple[str, Fault]]

FUTURE = NOON + 60 * SECOND + 1
YESTERDAY = date(2026, 11, 23)
TOO_OLD = NOON - 60 * DAY - 1
USED, EXPIRED = b"used", b"expired"
# Codes of member 1, by their digests.
CODES = {
    USED: CodeState(lane=1, member=1, is_expired=True, used=Place(1, 1)),
    EXPIRED: CodeState(lane=1, member=1, is_expired=True),
}

SETTING: Checks = [
    ("programme-not-found", {"programme_code": "NONE"}),
    ("partner-not-permitted", {"issuers": frozenset(), "acceptors": frozenset()}),
    ("programme-closed", {"is_open": False}),
    ("member-not-found", {"member": None}),
    ("code-used", {"presented": USED}),
    ("code-expired", {"presented": EXPIRED}),
    ("member-closed", {"status": "closed"}),
    ("member-frozen", {"status": "frozen"}),
    ("occurred-in-future", {"occurred_at": FUTURE}),
    ("occurred-too-long-ago", {"occurred_at": TOO_OLD}),
    ("period-closed", {"occurred_at": NOON - DAY}),
]
EARN: Checks = [
    *SETTING[:2],
    ("campaign-not-found", {"campaign": "NONE"}),
    ("issuer-suspended", {"suspended": frozenset({BANK})}),
    *SETTING[2:],
    ("currency-mismatch", {"spend_minor": 99, "currency": "EUR"}),
    ("zero-points", {"spend_minor": 99}),
    ("amount-out-of-range", {"spend_minor": MAXIMUM_MINOR + 1}),
]
REDEEM: Checks = [
    *SETTING,
    ("currency-mismatch", {"cash_minor": 1, "currency": "EUR"}),
    ("amount-out-of-range", {"points": MAXIMUM_POINTS + 1}),
    ("insufficient-points", {"points": 101}),
]
TAKE_BACK: Checks = [
    ("programme-not-found", {"programme_code": "NONE"}),
    ("member-not-found", {"member": None}),
    ("occurred-in-future", {"occurred_at": FUTURE}),
    ("period-closed", {"occurred_at": NOON - DAY}),
    ("currency-mismatch", {"currency": "EUR"}),
    ("no-earlier-earn", {"spend_minor": 1}),
]
EXPIRE: Checks = [
    ("programme-not-found", {"programme_code": "NONE"}),
    ("member-not-found", {"member": None}),
]


def rows(checks: Checks) -> list[Any]:
    """For each check the fault of its own together with those of all later ones; of two values the earlier holds."""
    found = []
    for number, (code, _) in enumerate(checks):
        faults: Fault = {}
        for _, fault in reversed(checks[number:]):
            faults |= fault
        found.append(pytest.param(code, faults, id=code))
    return found


def submit_with(faults: Fault, command: Any) -> Refused:
    """Submit the command to a ledger in which member 1 has 100 points, with everything wrong that is named."""
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    faults = dict(faults)
    setting = {name: faults.pop(name) for name in ("issuers", "acceptors", "is_open", "suspended") if name in faults}
    ledger.state.registry = registry(programme(closed_through=YESTERDAY, **setting))
    ledger.state.members[1].status = faults.pop("status", "active")
    ledger.state.codes = dict(CODES)
    resolved = {name: faults.pop(name) for name in ("member",) if name in faults}
    if "presented" in faults:
        resolved["code"] = faults.pop("presented")
    if "programme_code" in faults:
        faults["programme"] = faults.pop("programme_code")
    return ledger.refuse(command(**faults), **resolved)


@pytest.mark.parametrize(("code", "faults"), rows(EARN))
def test_an_earn_is_refused_for_the_first_rule_it_breaks(code: str, faults: Fault) -> None:
    assert submit_with(faults, earn).code == code


@pytest.mark.parametrize(("code", "faults"), rows(REDEEM))
def test_a_redemption_is_refused_for_the_first_rule_it_breaks(code: str, faults: Fault) -> None:
    assert submit_with(faults, redeem).code == code


@pytest.mark.parametrize(("code", "faults"), rows(TAKE_BACK))
def test_a_take_back_is_refused_for_the_first_rule_it_breaks(code: str, faults: Fault) -> None:
    assert submit_with(faults, take_back).code == code


@pytest.mark.parametrize(("code", "faults"), rows(EXPIRE))
def test_an_expiry_is_refused_for_the_first_rule_it_breaks(code: str, faults: Fault) -> None:
    assert submit_with(faults, expire).code == code


TOO_MUCH_IN_EUROS: Fault = {"spend_minor": 10**9, "currency": "EUR"}


def test_a_reversal_of_nothing_known_or_of_anothers_transaction_is_not_found_whatever_else_is_wrong() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(spend_minor=10_000))
    reversed_before = ledger.entry(reverse(earned))
    asked = reverse(reversed_before, **TOO_MUCH_IN_EUROS)
    assert ledger.refuse(asked, original=None).code == "transaction-not-found"
    assert ledger.refuse(asked, partner=CINEMA).code == "transaction-not-found"


def test_a_reversal_cannot_be_reversed_whatever_else_is_wrong() -> None:
    ledger = LedgerInMemory()
    reversed_before = ledger.entry(reverse(ledger.entry(earn(spend_minor=10_000))))
    assert ledger.refuse(reverse(reversed_before, **TOO_MUCH_IN_EUROS)).code == "not-reversible"


def test_an_expiry_cannot_be_reversed_even_by_its_own_submitter() -> None:
    ledger = LedgerInMemory(programme(maximum_age_days=None))
    ledger.post(earn(10, occurred_at=NOON - 900 * DAY))
    [expiry] = ledger.post(expire(), partner=0).entries
    assert ledger.refuse(reverse(expiry)).code == "not-reversible"


def test_what_is_reversed_already_is_refused_before_currency_and_amount() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(spend_minor=10_000))
    ledger.post(reverse(earned))
    refused = ledger.refuse(reverse(earned, **TOO_MUCH_IN_EUROS))
    assert (refused.code, refused.facts) == ("already-reversed", {"points": 100})


def test_a_reversal_by_spend_of_stated_points_is_refused_before_its_currency() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(100))
    assert ledger.refuse(reverse(earned, **TOO_MUCH_IN_EUROS)).code == "not-reversible"


def test_a_reversal_in_another_currency_is_refused_before_its_amount() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(spend_minor=10_000))
    assert ledger.refuse(reverse(earned, **TOO_MUCH_IN_EUROS)).code == "currency-mismatch"


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        ({"spend_minor": 9_001, "currency": "CNY"}, {"requested_minor": 9_001, "reversible_minor": 9_000}),
        ({"points": 91}, {"requested": 91, "reversible": 90}),
    ],
)
def test_a_reversal_above_what_is_left_is_refused(asked: Fault, facts: Fault) -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(spend_minor=10_000))
    ledger.post(reverse(earned, spend_minor=1_000, currency="CNY"))
    refused = ledger.refuse(reverse(earned, **asked))
    assert (refused.code, refused.facts) == ("reversal-exceeds-original", facts)


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_return_is_possible_for_a_frozen_or_closed_member_of_a_closed_programme(status: str) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    used = ledger.entry(redeem(60))
    ledger.state.registry = registry(programme(is_open=False, issuers=frozenset(), acceptors=frozenset()))
    ledger.state.members[1].status = status
    ledger.post(reverse(used))
    assert ledger.points().available == 100


def everything_wrong() -> LedgerInMemory:
    """A ledger that would refuse any new command, in which key k1 belongs to a posted earn of 100 points."""
    ledger = LedgerInMemory()
    ledger.post(earn(100), key="k1")
    ledger.state.registry = registry(programme(is_open=False, issuers=frozenset(), acceptors=frozenset()))
    ledger.state.members[1].status = "closed"
    return ledger


def test_the_same_request_replays_its_answer_before_any_other_check() -> None:
    ledger = everything_wrong()
    outcome = ledger.submit(ledger.submission(earn(100), key="k1"))
    assert isinstance(outcome, Replayed)
    assert (outcome.record.lane, outcome.record.sequence, outcome.record.transactions) == (1, 1, 1)
    assert len(ledger.state.entries) == 1


@pytest.mark.parametrize(
    "other",
    [
        earn(101),
        earn(100, member="m2"),
        earn(100, scene="housing"),
        earn(100, reference="receipt 7"),
        earn(100, metadata={"till": "3"}),
        earn(100, evidence="photo"),
        earn(100, occurred_at=NOON),
        redeem(100),
        take_back(100),
    ],
    ids=["points", "member", "scene", "reference", "metadata", "evidence", "time", "operation", "take-back"],
)
def test_a_key_of_another_request_is_reused_before_any_other_check(other: PartnerCommand) -> None:
    ledger = everything_wrong()
    assert isinstance(ledger.submit(ledger.submission(other, key="k1")), KeyReused)
    assert len(ledger.state.entries) == 1
    assert ledger.points().posted == 100


def test_a_key_belongs_to_one_partner() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100), key="k1", partner=BANK)
    ledger.post(earn(100), key="k1", partner=SUPERMARKET)
    assert ledger.points().posted == 200


def test_a_refusal_stays_the_answer_of_its_key_when_it_would_be_allowed_by_now() -> None:
    ledger = LedgerInMemory()
    refused = ledger.refuse(redeem(100), key="k1")
    ledger.post(earn(100))
    outcome = ledger.submit(ledger.submission(redeem(100), key="k1"))
    assert isinstance(outcome, Replayed)
    assert outcome.record.answer == refused.code.encode() == b"insufficient-points"
    assert ledger.points().available == 100


def test_a_refused_expiry_keeps_no_key() -> None:
    ledger = LedgerInMemory()
    command: Expire = expire(programme="NONE")
    ledger.refuse(command)
    assert ledger.state.new_keys == []


def test_a_derived_operation_replays_like_a_plain_one() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(100))
    ledger.post(reverse(earned, points=40), key="r1")
    again = ledger.submit(ledger.submission(reverse(earned, points=40), key="r1"))
    other = ledger.submit(ledger.submission(reverse(earned, points=41), key="r1"))
    assert isinstance(again, Replayed)
    assert isinstance(other, KeyReused)
    assert ledger.points().available == 60


def test_a_till_may_be_a_minute_ahead_and_an_event_as_old_as_the_programme_says() -> None:
    ledger = LedgerInMemory()
    for occurred_at in (FUTURE - 1, TOO_OLD + 1):
        assert isinstance(ledger.submit(ledger.submission(earn(1, occurred_at=occurred_at))), Posted)


def test_a_programme_without_maximum_age_takes_the_oldest_event() -> None:
    ledger = LedgerInMemory(programme(maximum_age_days=None))
    ledger.post(earn(1, occurred_at=NOON - 20_000 * DAY))


def test_insufficient_points_says_what_was_asked_and_what_there_is() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(30))
    assert ledger.refuse(redeem(31)).facts == {"requested": 31, "available": 30}
