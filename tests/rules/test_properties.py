"""Any sequence of commands over any time: the state agrees with books kept from the journal alone."""

from datetime import date
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.ids import Place
from ledger.rules.accounts import CHART, AccountKind
from ledger.rules.business_day import civil_day, end_of_day
from ledger.rules.commands import Expire, PartnerCommand, Reverse, Submission
from ledger.rules.decide import decide
from ledger.rules.journal import JournalEntry, Posting, TransactionKind
from ledger.rules.outcomes import KeyReused, Posted, Refused, Replayed
from ledger.rules.programmes import EarnRate, Programme
from ledger.rules.state import LedgerState
from tests.builders import (
    BANK,
    DAY,
    HOUR,
    SUPERMARKET,
    earn,
    expire,
    programme,
    redeem,
    reverse,
    take_back,
    version,
)
from tests.rules.books import MEMBERS_OWN, Books, check_books
from tests.rules.ledger_in_memory import LedgerInMemory

ZONE = "Asia/Shanghai"

encode = msgspec.msgpack.Encoder().encode


class Step(msgspec.Struct, frozen=True):
    """One thing that happens; ``choice`` picks among what is there by then."""

    what: str
    member: str
    programme: str
    partner: int
    amount: int
    choice: int


STEPS = (
    *("earn", "earn", "earn_by_spend", "earn_by_spend", "earn_late", "earn_pending"),
    *("redeem", "redeem", "redeem_all", "redeem_all", "redeem_all", "redeem_too_much"),
    *("reverse_all", "reverse_all", "reverse_points", "reverse_points", "reverse_spend", "reverse_any"),
    *("return_all", "return_all", "return_partly", "cancel", "cancel"),
    *("an_hour", "a_day", "a_day", "three_days", "to_midnight", "expire"),
    *("repeat", "use_key_again"),
)
steps = st.builds(
    Step,
    what=st.sampled_from(STEPS),
    member=st.sampled_from(["m1"] * 5 + ["m2"]),
    programme=st.sampled_from(["CITY"] * 6 + ["PARK"]),
    partner=st.sampled_from([BANK, SUPERMARKET]),
    amount=st.integers(1, 60),
    choice=st.integers(0, 1_000),
)
cities = st.builds(
    lambda validity_days, grace, policy, cut_off_minutes: programme(
        versions=(version(validity_months=None, validity_days=validity_days),),
        restore_grace_days=grace,
        shortfall_policy=policy,
        cut_off_minutes=cut_off_minutes,
    ),
    st.sampled_from([None, 1, 1, 3]),
    st.sampled_from([0, 2]),
    st.sampled_from(["member", "member", "issuer"]),
    st.sampled_from([0, 1_320]),
)
NEW_RULES = version(version=2, starts_on=date(2026, 11, 26), earn_rate=EarnRate(2, 100), validity_months=1)
PARK = programme(number=2, code="PARK", versions=(version(validity_months=None), NEW_RULES))


def snapshot(state: LedgerState, *, keys: bool = True) -> bytes:
    """All of a state as bytes, to be compared with; without its keys on demand."""
    return encode(state if keys else msgspec.structs.replace(state, keys={}, new_keys=[]))


class Story:
    """A ledger to which steps happen, and what they may refer to."""

    def __init__(self, city: Programme) -> None:
        self.ledger = LedgerInMemory(city, PARK)
        self.submitted: list[Submission] = []
        self.posted: dict[str, list[JournalEntry]] = {"earn": [], "redeem": [], "any": []}

    def take(self, step: Step) -> None:
        """Let one step happen; one that finds nothing to refer to is left out."""
        if step.what in PASSING:
            self.ledger.advance_to(self.ledger.now + PASSING[step.what])
        elif step.what == "to_midnight":
            self.ledger.advance_to(end_of_day(civil_day(self.ledger.now, ZONE), ZONE))
        elif step.what in ("repeat", "use_key_again"):
            self._use_key_again(step)
        else:
            command = self._command(step)
            if command is not None:
                self._submit(command, partner=step.partner)

    def _command(self, step: Step) -> PartnerCommand | Expire | None:
        names: dict[str, Any] = {"member": step.member, "programme": step.programme}
        now = self.ledger.now
        if step.what.startswith(("reverse", "return")):
            return self._reversal(step)
        if step.what == "cancel":
            return take_back(step.amount * 100 + step.choice, occurred_at=now, **names)
        if step.what == "expire":
            return expire(**names)
        if step.what == "earn_by_spend":
            return earn(spend_minor=step.amount * 100 + step.choice % 100, **names)
        if step.what == "earn_late":
            return earn(step.amount, occurred_at=now - step.choice % 5 * DAY, **names)
        if step.what == "earn_pending":
            return earn(step.amount, available_from=now + step.choice % 3 * DAY, **names)
        if step.what == "earn":
            return earn(step.amount, **names)
        available = self.ledger.points(int(step.member[1:]), 1 if step.programme == "CITY" else 2).available
        points = {"redeem": min(step.amount, available), "redeem_all": available}.get(step.what, available + 1)
        return redeem(points, **names) if points else None

    def _reversal(self, step: Step) -> PartnerCommand | None:
        kind = "redeem" if step.what.startswith("return") else "any" if step.what == "reverse_any" else "earn"
        originals = self.posted[kind]
        if not originals:
            return None
        # Mostly one of the last few, so that one original is reversed more than once.
        original = originals[-1 - step.choice % min(len(originals), 6)]
        if step.what.endswith(("_all", "_any")):
            return reverse(original)
        if step.what == "reverse_spend":
            return reverse(original, spend_minor=step.amount * 50, currency="CNY")
        return reverse(original, points=step.amount // 3 + 1)

    def _submit(self, command: PartnerCommand | Expire, *, partner: int) -> None:
        resolved: dict[str, Any] = {} if isinstance(command, Reverse) else {"partner": partner}
        submission = self.ledger.submission(command, **resolved)
        before, but_for_its_key = snapshot(self.ledger.state), snapshot(self.ledger.state, keys=False)
        decision = decide(submission, self.ledger.state)
        assert snapshot(self.ledger.state) == before, "a decision changes nothing"
        assert decide(submission, self.ledger.state) == decision, "a decision can be made again"
        outcome = self.ledger.submit(submission)
        if isinstance(outcome, Refused):
            assert snapshot(self.ledger.state, keys=False) == but_for_its_key, "a refusal leaves only its key"
        if isinstance(outcome, Posted):
            for entry in outcome.entries:
                self.posted["any"].append(entry)
                self.posted.setdefault(TransactionKind(entry.transaction.kind).name.lower(), []).append(entry)
        if not isinstance(command, Expire):
            self.submitted.append(submission)

    def _use_key_again(self, step: Step) -> None:
        if not self.submitted:
            return
        submission = self.submitted[step.choice % len(self.submitted)]
        wanted: type = Replayed
        if step.what == "use_key_again":
            submission = msgspec.structs.replace(submission, command=redeem(step.amount), request_digest=bytes(16))
            wanted = KeyReused
        before = snapshot(self.ledger.state)
        assert isinstance(self.ledger.submit(submission), wanted)
        assert snapshot(self.ledger.state) == before


PASSING = {"an_hour": HOUR, "a_day": DAY, "three_days": 3 * DAY}


@settings(max_examples=300, deadline=None)
@given(city=cities, story=st.lists(steps, min_size=30, max_size=60))
def test_after_every_command_the_state_agrees_with_books_kept_from_the_journal(
    city: Programme, story: list[Step]
) -> None:
    told = Story(city)
    state = told.ledger.state
    books = Books({programme.number: programme for programme in (city, PARK)})
    for step in story:
        told.take(step)
        books.read(state.entries)
        check_books(books)
        check_state(state, books, told.ledger.now)
        check_reversals(state, books)


def check_state(state: LedgerState, books: Books, now: int) -> None:
    """Balances, lots and sub-accounts of the state are those of the books."""
    for member in state.members.values():
        for number, held in member.points.items():
            if number == 0:
                continue
            assert held.posted == books.balances[AccountKind.AVAILABLE, member.number, number]
            assert held.available == books.usable(member.number, number, now) >= 0
            assert held.pending == books.pending(member.number, number, now) >= 0
            assert held.available + held.pending + held.lapsed == held.posted
            assert held.held == books.balances[AccountKind.HELD, member.number, number]
            assert held.held == books.held(member.number, number) == books.holds.open_points(member.number, number)
            assert held.shortfall == -books.balances[AccountKind.SHORTFALL, member.number, number]
            assert held.shortfall == sum(shortfall.remaining for shortfall in held.shortfalls)
            assert all(0 <= shortfall.remaining <= shortfall.original for shortfall in held.shortfalls)
    assert state.lots.keys() == books.lots.keys()
    for place, lot in state.lots.items():
        book = books.lots[place]
        for name in ("remaining", "held", "lapses_at", "member", "expired"):
            assert getattr(lot, name) == getattr(book, name)
        for name in book.opening.__struct_fields__:
            assert getattr(lot, name) == getattr(book.opening, name)
    parties: dict[tuple[int, int, int], int] = {}
    for (_, kind, owner, number), change in state.party_changes.items():
        parties[kind, owner, number] = parties.get((kind, owner, number), 0) + change
    for (kind, owner, number), balance in books.balances.items():
        if kind not in MEMBERS_OWN:
            side = 1 if CHART[AccountKind(kind)].normal_side == "credit" else -1
            assert parties.get((kind, owner, number), 0) == side * balance


def check_reversals(state: LedgerState, books: Books) -> None:
    """A return gives back every point; of a reversed earn each is taken back, owed, or had expired before.

    Where the issuer bears shortfalls, what is neither may be missing.
    """
    for original in state.originals.values():
        if original.programme == 0:
            continue
        place = Place(original.lane, original.sequence)
        assert original.reversed_points == books.reversed_points[place] <= original.points
        assert original.reversed_spend_minor == books.reversed_spend[place]
        given_back = original.expired_counted + sum(
            posting.amount
            for transaction in books.transactions.values()
            if (transaction.reverses_lane, transaction.reverses_sequence) == place
            for posting in transaction.postings
            if is_taken_back(posting) or posting.debit_kind == AccountKind.REDEEMED
        )
        if original.kind == TransactionKind.EARN:
            family = books.family(original.lane, original.uses[0][0])
            assert original.expired_counted <= sum(lot.expired for lot in family), "each expired point counts once"
        policy = state.registry.programme_numbered(original.programme).shortfall_policy
        if original.kind == TransactionKind.EARN and policy == "issuer":
            assert given_back <= original.reversed_points
        else:
            assert given_back == original.reversed_points


def is_taken_back(posting: Posting) -> bool:
    """Whether points go from the member, free or owed, to the issuer; those that lapse go over the programme."""
    return posting.debit_kind in MEMBERS_OWN and posting.credit_kind == AccountKind.ISSUANCE
