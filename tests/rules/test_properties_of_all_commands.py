"""Any sequence of all commands over any time: the promises hold, and a decision only looks."""

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.ids import Place
from ledger.rules.business_day import civil_day
from ledger.rules.commands import AnyCommand, Atomic, Expire, Notice, SingleCommand
from ledger.rules.decide import decide
from ledger.rules.journal import JournalEntry, TransactionKind
from ledger.rules.outcomes import Posted, Refused
from ledger.rules.programmes import Programme
from tests.builders import BANK, DAY, HOUR, SUPERMARKET, earn, expire, programme, redeem, reverse, take_back, version
from tests.rarer_builders import (
    adjust,
    atomic,
    cap,
    capture,
    close,
    cover,
    exchange,
    exchange_rate,
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
from tests.rules.books import Books, check_books
from tests.rules.books_of_covers import check_covers
from tests.rules.funded_builders import funded
from tests.rules.ledger_in_memory import LedgerInMemory
from tests.rules.test_properties import ZONE, check_reversals, check_state, snapshot

LONG = 300
MOST_KINDS = 12
MEMBERS = ("m1", "m2", "m3", "m4")
REVERSIBLE = (TransactionKind.EARN, TransactionKind.REDEEM, TransactionKind.CAPTURE)
CAPS = (
    cap(number=1, code="ALL", scene="leisure", home_lane=0),
    cap(number=2, code="BANK", partner=BANK, home_lane=1),
    cover(BANK, number=3, home_lane=1, alert_level=60_000),
    cover(SUPERMARKET, number=4, home_lane=0),
)


class Step(msgspec.Struct, frozen=True):
    """One thing that happens; ``choice`` picks among what is there by then."""

    what: str
    member: str
    other: str
    partner: int
    amount: int
    choice: int


def _often(**weights: int) -> list[str]:
    return [what for what, weight in weights.items() for _ in range(weight)]


STEPS = [
    *_often(earn=10, spend=4, pending=2, capped=6, redeem=5, hold=9, capture=8, void=2, gift=6, reverse=9, back=3),
    *_often(exchange=5, exchange_back=3),
    *_often(move=3, merge=2, freeze=1, unfreeze=1, close=1, give=1, take=2, write_off=2, grant=3, notice=1, expire=1),
    *_often(shared=5, cover=3, cover_less=1, atomic=3, an_hour=5, a_day=4, three_days=1),
]
RATES = {
    1: exchange_rate(),
    2: exchange_rate(number=2, source=2, target=1, issuer=SUPERMARKET, give=3, get=7),
    3: exchange_rate(number=3, starts_on=date(2026, 11, 27), give=2, get=3, issuer=SUPERMARKET),
}
PASSING = {"an_hour": HOUR, "a_day": DAY, "three_days": 3 * DAY}
steps = st.builds(
    Step,
    what=st.sampled_from(STEPS),
    member=st.sampled_from(["m1"] * 4 + ["m2"] * 2 + ["m3", "m4"]),
    other=st.sampled_from(MEMBERS),
    partner=st.sampled_from([BANK, SUPERMARKET]),
    amount=st.integers(1, 60),
    choice=st.integers(0, 1_000),
)
cities = st.builds(
    lambda validity_days, grace, policy: programme(
        versions=(version(validity_months=None, validity_days=validity_days),),
        restore_grace_days=grace,
        shortfall_policy=policy,
        gift_points_a_month=150,
    ),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([0, 2]),
    st.sampled_from(["member", "member", "issuer"]),
)


def other_of(city: Programme) -> Programme:
    """A second programme by the same rules."""
    return msgspec.structs.replace(city, number=2, code="MILES")


class Story:
    """A ledger with caps, to which steps happen."""

    def __init__(self, city: Any) -> None:
        set_up = msgspec.structs.replace(funded(city, other_of(city), caps=CAPS), exchange_rates=RATES)
        self.ledger = LedgerInMemory(set_up=set_up, members=(1, 2, 3, 4))
        self.ledger.post(grant_cap(2_000, "BANK"))
        for partner in (BANK, SUPERMARKET):
            self.ledger.post(grant_cover(80_000, partner))

    def take(self, step: Step) -> None:
        """Let one step happen; one that finds nothing to refer to is left out."""
        if step.what in PASSING:
            self.ledger.advance_to(self.ledger.now + PASSING[step.what])
            return
        command = self._command(step)
        if command is not None:
            self._submit(command, step.partner)

    def _command(self, step: Step) -> AnyCommand | None:
        if step.what == "atomic":
            return self._atomic(step)
        if step.what in ("reverse", "capture", "void"):
            return self._later(step)
        return COMMANDS[step.what](step, self.ledger)

    def _later(self, step: Step) -> SingleCommand | None:
        kinds = REVERSIBLE if step.what == "reverse" else (TransactionKind.HOLD,)
        found = [entry for entry in self.ledger.state.entries if entry.transaction.kind in kinds]
        if not found:
            return None
        chosen = found[-1 - step.choice % min(len(found), 5)]
        if step.what == "reverse":
            return reverse(chosen, points=None if step.choice % 3 else step.amount // 3 + 1)
        if step.what == "void":
            return void(chosen)
        return capture(chosen, None if step.choice % 3 == 0 else step.amount // 3 + 1, final=step.choice % 4 == 0)

    def _atomic(self, step: Step) -> Atomic | None:
        whats = (("earn", "redeem"), ("redeem", "hold", "earn"), ("capture", "earn"), ("capped", "reverse"))
        items: list[Any] = []
        for number, what in enumerate(whats[step.choice % len(whats)]):
            member = step.member if number % 2 else step.other
            item: Any = self._command(msgspec.structs.replace(step, what=what, member=member))
            if item is not None:
                items.append(item)
        return atomic(*items, key=f"item-{len(self.ledger.state.new_keys)}") if items else None

    def _partner(self, command: AnyCommand, partner: int) -> int:
        identifier = getattr(command, "hold", None) or getattr(command, "transaction", None)
        if identifier is None:
            return partner
        entry: JournalEntry = next(e for e in self.ledger.state.entries if capture(e).hold == identifier)
        return entry.transaction.partner

    def _submit(self, command: AnyCommand, partner: int) -> None:
        submission = self.ledger.submission(command, partner=self._partner(command, partner))
        state = self.ledger.state
        before, but_for_its_key = snapshot(state), snapshot(state, keys=False)
        if not isinstance(command, Atomic):
            decision = decide(submission, state)
            assert snapshot(state) == before, "a decision changes nothing"
            assert decide(submission, state) == decision, "a decision can be made again"
        written, caps = len(state.entries), state.registry.caps
        outcome = self.ledger.submit(submission)
        swept = len(self.ledger.state.entries) > written or self.ledger.state.registry.caps != caps
        if isinstance(outcome, Refused) and not swept:
            assert snapshot(self.ledger.state, keys=False) == but_for_its_key, "a refusal leaves only its key"
        if isinstance(outcome, Posted) and not isinstance(command, Expire | Notice):
            assert outcome.entries


def _last_day(step: Step, ledger: LedgerInMemory) -> AnyCommand:
    return notice(civil_day(ledger.now + step.choice % 3 * DAY, ZONE), member=step.member)


COMMANDS: dict[str, Callable[[Step, LedgerInMemory], AnyCommand]] = {
    "earn": lambda step, _: earn(step.amount * 2, member=step.member),
    "spend": lambda step, _: earn(spend_minor=step.amount * 111, member=step.member),
    "pending": lambda step, ledger: earn(step.amount, available_from=ledger.now + HOUR, member=step.member),
    "capped": lambda step, _: earn(step.amount % 9 + 1, scene="leisure", member=step.member),
    "redeem": lambda step, _: redeem(step.amount, member=step.member),
    "hold": lambda step, ledger: hold(
        step.amount, member=step.member, expires_at=ledger.now + (HOUR, DAY, 5 * DAY)[step.choice % 3]
    ),
    "gift": lambda step, _: gift(step.amount, member=step.member, receiver=step.other),
    "exchange": lambda step, _: exchange((step.amount // 10 + 1) * 10 - step.choice % 4 // 3, member=step.member),
    "exchange_back": lambda step, _: exchange(
        step.amount // 3 * 3 + 3, programme="MILES", target_programme="CITY", member=step.member
    ),
    "back": lambda step, ledger: take_back(step.amount * 99, member=step.member, occurred_at=ledger.now),
    "move": lambda step, _: move(step.choice % 2, step.member),
    "merge": lambda step, _: merge(step.member, step.other),
    "freeze": lambda step, _: freeze(step.other),
    "unfreeze": lambda step, _: unfreeze(step.other),
    "close": lambda step, _: close(step.other, gives_up_points=True),
    "give": lambda step, _: adjust(step.amount, member=step.member),
    "take": lambda step, _: adjust(step.amount, member=step.member, takes=True),
    "write_off": lambda step, _: write_off(step.amount if step.choice % 2 else None, member=step.member),
    "grant": lambda step, _: grant_cap(step.amount * 4, ("ALL", "BANK")[step.choice % 2]),
    "shared": lambda step, _: earn(step.amount, campaign="SPRING", member=step.member),
    "cover": lambda step, _: grant_cover(step.amount * 120, step.partner),
    "cover_less": lambda step, _: grant_cover(step.amount * 100, step.partner, takes=True),
    "expire": lambda step, _: expire(member=step.member),
    "notice": _last_day,
}


@settings(max_examples=100, deadline=None)
@given(city=cities, story=st.lists(steps, min_size=30, max_size=70))
def test_after_every_command_of_any_kind_the_promises_hold(city: Any, story: list[Step]) -> None:
    told = Story(city)
    books = Books({1: city, 2: other_of(city)})
    for step in story:
        told.take(step)
        check_all(told.ledger, books)


@pytest.mark.parametrize("seed", range(6))
def test_the_promises_hold_through_a_long_history(seed: int) -> None:
    chance = Random(seed)
    rules = (version(validity_months=None, validity_days=chance.choice([2, 5])),)
    city = programme(versions=rules, restore_grace_days=seed % 3, gift_points_a_month=400)
    told = Story(city)
    books = Books({1: city, 2: other_of(city)})
    for number in range(LONG):
        told.take(step_by(chance))
        if number % 10 == 0:
            check_all(told.ledger, books)
    check_all(told.ledger, books)
    kinds = {entry.transaction.kind for entry in told.ledger.state.entries}
    assert len(kinds) >= MOST_KINDS


def step_by(chance: Random) -> Step:
    """A step of a long history, in which members seldom end."""
    what = chance.choice(STEPS)
    if what in ("merge", "close", "freeze", "three_days") and chance.random() < 0.8:
        what = "unfreeze" if what == "freeze" else "earn"
    return Step(
        what=what,
        member=chance.choice(["m1", "m1", *MEMBERS]),
        other=chance.choice(["m3", *MEMBERS]),
        partner=chance.choice([BANK, SUPERMARKET]),
        amount=chance.randint(1, 60),
        choice=chance.randrange(1_000),
    )


def check_all(ledger: LedgerInMemory, books: Books) -> None:
    """Every promise, against books kept from the journal alone."""
    books.read(ledger.state.entries)
    check_books(books)
    check_state(ledger.state, books, ledger.now)
    check_reversals(ledger.state, books)
    check_holds(ledger, books)
    check_covers(ledger.state.registry, books)


def check_holds(ledger: LedgerInMemory, books: Books) -> None:
    """Holds of the state are those of the books, and so are the balances of caps."""
    assert ledger.state.holds.keys() == {Place(*place) for place in books.holds.holds}
    for place, held in ledger.state.holds.items():
        book = books.holds.holds[place]
        assert held.remaining == book.remaining <= held.points == book.points
        assert {lot: amount for lot, amount in held.lots.items() if amount} == dict(+book.lots)
        if held.moved_to is not None:
            assert held.remaining == 0
    for of_cap, balance in books.by_lane.items():
        assert ledger.state.cap_balances.get(of_cap, 0) == balance
