"""What must hold of a batch whatever happened: the equations that a reviewer sees as sentences with a mark. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.money_postings import OPERATOR, MoneyAccount
from settlement.batches import Batch, documents

ProofName = Literal["sums-to-zero", "rolls-forward", "points-settled", "unaltered", "rests-on-books"]


class Proof(msgspec.Struct, frozen=True):
    """An equation, by name, and whether it holds."""

    name: ProofName
    holds: bool


def proofs(
    batch: Batch, before: Batch | None, balances: Mapping[tuple[int, int, str], int] | None
) -> tuple[Proof, ...]:
    """The proofs of a batch; ``before`` is the approved batch before it.

    ``balances`` are the books of now, debits less credits; None once the batch itself is in them.
    """
    found = [
        Proof("sums-to-zero", _sums_to_zero(batch)),
        Proof("rolls-forward", _rolls_forward(batch, before)),
        Proof("points-settled", _points_settled(batch)),
        Proof("unaltered", documents(batch.inputs, batch.figures)[2] == batch.digest),
    ]
    if balances is not None:
        found.append(Proof("rests-on-books", _rests_on(batch, balances)))
    return tuple(found)


def _sums_to_zero(batch: Batch) -> bool:
    """What parties pay and get, and what stays with the operator, come to nothing."""
    figures = batch.figures
    stays_minor = (
        figures.obligation_change_minor
        + figures.deferred_fee_change_minor
        + figures.service_fee_minor
        + figures.commission_minor
        + figures.exchange_margin_minor
        + figures.variance_and_rounding_minor
        + figures.vat_minor
        + figures.breakage_minor
        - figures.goodwill_minor
    )
    return sum(figures.nets.values()) + stays_minor == 0


def _rolls_forward(batch: Batch, before: Batch | None) -> bool:
    """Each funding and price begins where the batch before ended, and what was owed before is what is owed now."""
    ended = {} if before is None else {(one.funding, one.version): one for one in before.figures.positions}
    begun = {(one.funding, one.version): one for one in batch.figures.positions}
    return all(
        (0 if place not in ended else ended[place].closing) == (0 if place not in begun else begun[place].opening)
        for place in ended.keys() | begun.keys()
    )


def _points_settled(batch: Batch) -> bool:
    """What acceptors took, less what came back, is what goes back to who funded it."""
    taken = sum(one.redeemed - one.restored for one in batch.figures.positions)
    settled = sum(
        posting.amount if posting.debit_kind == AccountKind.REDEEMED else -posting.amount
        for posting in batch.figures.points
    )
    return taken == settled


def _rests_on(batch: Batch, balances: Mapping[tuple[int, int, str], int]) -> bool:
    """What is owed to members is still what the batch was computed from."""
    currency = batch.inputs.currency
    now = (
        -balances.get((MoneyAccount.REDEMPTION_OBLIGATION, OPERATOR, currency), 0),
        -balances.get((MoneyAccount.DEFERRED_FEE, OPERATOR, currency), 0),
    )
    return now == (batch.inputs.obligation_minor, batch.inputs.deferred_fee_minor)
