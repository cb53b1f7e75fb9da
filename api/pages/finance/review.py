"""What the review screen of a batch shows: read once, in one place, as the tables and sentences need it."""

from collections.abc import Sequence

import msgspec

from api.pages.finance.finance_view import FinanceView
from api.schemas.contracts import masked
from settlement.batches import Batch
from settlement.comparing import Change, changes
from settlement.proofs import Proof, proofs
from settlement.store.batch_rows import read_balances, read_batch
from settlement.store.money_rows import Notice, Payment, read_notices, read_payments
from settlement.store.review_rows import count_around, read_earlier
from settlement.unusual import USUAL_BATCHES, Finding, unusual
from settlement.vocabulary import FAILED_PAYMENTS, UNAPPROVED

MOST_ROWS = 200
"""Parties that a table shows; the statements hold all."""


class PaymentRow(msgspec.Struct, frozen=True):
    """A payment and the account that it goes to, as whoever looks may see it.

    ``waits`` says that it came back and was not ordered again.
    """

    payment: Payment
    account: str | None
    waits: bool


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a batch that stand on top: money in minor units, points."""

    pay_out_minor: int
    collect_minor: int
    stays_minor: int
    reserve_minor: int
    service_fee_minor: int
    commission_minor: int
    vat_minor: int
    others_minor: int
    issued: int
    clawed_back: int
    redeemed: int
    restored: int
    expired: int
    closing: int


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that there is to look at; ``before`` is the approved batch that it is compared with."""

    batch: Batch
    before: Batch | None
    totals: Totals
    proofs: tuple[Proof, ...]
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    nets: tuple[tuple[int, int], ...]
    payments: tuple[PaymentRow, ...]
    notices: tuple[Notice, ...]


async def read_review(view: FinanceView, batch: Batch, *, sees_accounts: bool) -> Review:
    """Read what a batch is compared with, and what stands around it."""
    async with view.wiring.engine.pool.connection() as connection:
        earlier = await read_earlier(connection, batch, USUAL_BATCHES)
        before = earlier[0] if earlier else None
        around = await count_around(connection, batch, before, _without_terms(view, batch))
        balances = await read_balances(connection, batch.programme) if batch.state in UNAPPROVED else None
        payments = await read_payments(connection, batch.id)
        notices = await read_notices(connection, batch.id)
    nets = sorted(batch.figures.nets.items(), key=lambda one: (-abs(one[1]), one[0]))
    return Review(
        batch=batch,
        before=before,
        totals=_totals(batch),
        proofs=proofs(batch, before, balances),
        findings=unusual(batch, earlier, around),
        changes=() if before is None else changes(before.figures.nets, batch.figures.nets),
        nets=tuple(nets),
        payments=tuple(_payment_row(batch, one, payments, sees_accounts=sees_accounts) for one in payments),
        notices=tuple(notices),
    )


async def find_batch_of(view: FinanceView, name: str) -> Batch | None:
    """A batch by its name."""
    async with view.wiring.engine.pool.connection() as connection:
        return await read_batch(connection, name)


def _without_terms(view: FinanceView, batch: Batch) -> Sequence[int]:
    programme = view.registry.programme_numbered(batch.programme)
    return sorted((programme.issuers | programme.acceptors) - batch.inputs.current_terms.keys())


def _payment_row(batch: Batch, payment: Payment, others: Sequence[Payment], *, sees_accounts: bool) -> PaymentRow:
    waits = payment.state in FAILED_PAYMENTS and not payment.is_superseded_by(others)
    terms = batch.inputs.current_terms.get(payment.party)
    beneficiary = None if terms is None else terms.beneficiary
    if beneficiary is None:
        return PaymentRow(payment, None, waits)
    return PaymentRow(payment, beneficiary.account if sees_accounts else masked(beneficiary.account), waits)


def _totals(batch: Batch) -> Totals:
    figures, positions = batch.figures, batch.figures.positions
    stays_minor = figures.collect_minor - figures.pay_out_minor
    known = (
        figures.obligation_change_minor,
        figures.service_fee_minor,
        figures.commission_minor,
        figures.vat_minor,
    )
    return Totals(
        pay_out_minor=figures.pay_out_minor,
        collect_minor=figures.collect_minor,
        stays_minor=stays_minor,
        reserve_minor=figures.obligation_change_minor,
        service_fee_minor=figures.service_fee_minor,
        commission_minor=figures.commission_minor,
        vat_minor=figures.vat_minor,
        others_minor=stays_minor - sum(known),
        issued=sum(one.issued for one in positions),
        clawed_back=sum(one.clawed_back for one in positions),
        redeemed=sum(one.redeemed for one in positions),
        restored=sum(one.restored for one in positions),
        expired=sum(one.expired for one in positions),
        closing=sum(one.closing for one in positions),
    )
