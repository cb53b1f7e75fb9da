"""Batches: identity, states and the transitions between them, and the digest by which a batch proves itself."""

import hashlib
from collections.abc import Sequence
from datetime import date

import msgspec

from ledger.errors import BatchNotInState
from ledger.rules.money_postings import MoneyPosting
from ledger.rules.programmes import ExchangeRate
from settlement.figures import BatchFigures
from settlement.netting import PartyBalances
from settlement.terms import ContractTerms

TRANSITIONS: dict[str, frozenset[str]] = {
    "submitted": frozenset({"draft"}),
    "approved": frozenset({"submitted"}),
    "cancelled": frozenset({"draft", "submitted"}),
    "instructed": frozenset({"approved"}),
    # From confirmed where a payment comes back after the bank had confirmed all.
    "partly_confirmed": frozenset({"instructed", "partly_confirmed", "confirmed"}),
    "confirmed": frozenset({"instructed", "partly_confirmed"}),
    "closed": frozenset({"confirmed"}),
}
"""From which states each state is reached."""

ORDERED = frozenset({"instructed", "partly_confirmed", "confirmed", "closed"})
"""States of batches whose payments were ordered: ordering one of them again is a step that leaves the state."""


class Range(msgspec.Struct, frozen=True):
    """A lane's part of a batch: the sequences after ``after`` up to ``last``."""

    lane: int
    after: int
    last: int


class BatchInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch was computed from, frozen: days, ranges, contracts with their beneficiaries, quotes, openings.

    ``obligation_minor`` and ``deferred_fee_minor`` are what 2000 and 2300 owed before it. ``terms`` are in the order
    of partner and version. ``quotes`` are hundred-millionths of a foreign currency for one of the programme's;
    ``leads`` are the partners whose contracts price each funding's points; ``rates`` those of its exchanges.
    """

    programme: str
    currency: str
    days: tuple[date, ...]
    ranges: tuple[Range, ...]
    terms: tuple[ContractTerms, ...]
    quotes: dict[str, int]
    leads: dict[int, int]
    obligation_minor: int
    deferred_fee_minor: int
    rates: tuple[ExchangeRate, ...] = ()

    @property
    def current_terms(self) -> dict[int, ContractTerms]:
        """Of each partner the contract in force at the end, by which it is netted and paid."""
        return {terms.partner: terms for terms in self.terms}


NOTHING_TO_PAY, BY_BANK_FILES, RETRIED = "nothing to pay", "by the bank's files", "retried "
"""The reasons of steps that no person wrote; the last is what begins that of a payment ordered again."""


class Step(msgspec.Struct, frozen=True):
    """A change of a batch's state: who, when (microseconds since 1970 UTC), why."""

    state: str
    person: str
    at: int
    reason: str


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement batch; ``sequence`` is that of its posting in the clearing lane, once approved."""

    id: str
    programme: int
    first_day: date
    last_day: date
    revision: int
    state: str
    digest: bytes
    inputs: BatchInputs
    figures: BatchFigures
    sequence: int | None = None
    steps: tuple[Step, ...] = ()

    @property
    def prepared_by(self) -> frozenset[str]:
        """Who ran and who submitted it: nobody of these approves it."""
        found = (self.person_of(state) for state in ("draft", "submitted"))
        return frozenset(person for person in found if person is not None)

    def person_of(self, state: str) -> str | None:
        """Who brought it into a state, at last."""
        return next((step.person for step in reversed(self.steps) if step.state == state), None)


_encode = msgspec.json.Encoder().encode


def batch_id(programme: str, last_day: date, revision: int) -> str:
    """The name of a batch, such as CITY-20261123-1."""
    return f"{programme}-{last_day:%Y%m%d}-{revision}"


def documents(inputs: BatchInputs, figures: BatchFigures) -> tuple[bytes, bytes, bytes]:
    """The two documents of a batch as they are kept, and the SHA-256 over both."""
    first, second = _encode(inputs), _encode(figures)
    return first, second, hashlib.sha256(first + b"\n" + second).digest()


def refuse_transition(batch: Batch, to: str) -> None:
    """Raise BatchNotInState where a batch cannot come to a state."""
    wanted = TRANSITIONS[to]
    if batch.state not in wanted:
        raise BatchNotInState(
            f"Batch {batch.id} is {batch.state}; to become {to} it must be {' or '.join(sorted(wanted))}.",
            batch=batch.id,
            state=batch.state,
            wanted=sorted(wanted),
        )


PartyPlace = tuple[int, str]
"""A party and the currency it is settled in."""


def add_money(balances: dict[PartyPlace, PartyBalances], postings: Sequence[MoneyPosting]) -> None:
    """Move parties' balances by money postings."""
    for posting in postings:
        for account, party, amount in (
            (posting.debit, posting.debit_party, posting.amount_minor),
            (posting.credit, posting.credit_party, -posting.amount_minor),
        ):
            if party:
                balances.setdefault((party, posting.currency), PartyBalances()).add(account, amount)
