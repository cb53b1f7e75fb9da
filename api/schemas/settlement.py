"""Settlement over HTTP: days, batches and the money that follows."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers import Money, rfc3339
from api.schemas.fields import Code, ShortText
from ledger.rules.money import from_minor
from ledger.rules.programmes import Registry
from settlement.batches import Batch
from settlement.lines import LineKind
from settlement.store.day_rows import ClosedDay
from settlement.store.money_rows import Notice, Payment


class BankDaysSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days that are not what their weekday says: holidays, or working days at a weekend."""

    days: Annotated[list[date], Meta(min_length=1, max_length=366)]
    is_business: bool
    note: ShortText


class DayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A closed business day; `batch` is the one it is settled in."""

    programme: str
    day: date
    cut_off_at: str
    closed_at: str
    closed_by: str
    batch: str | None


class DayList(msgspec.Struct, frozen=True):
    """The latest closed days, the last first."""

    items: list[DayAnswer]
    next_cursor: str | None


def day_answer(programme: str, closed: ClosedDay) -> DayAnswer:
    """A closed day as it is shown."""
    return DayAnswer(
        programme=programme,
        day=closed.day,
        cut_off_at=rfc3339(closed.cut_off_at),
        closed_at=rfc3339(closed.closed_at),
        closed_by=closed.closed_by,
        batch=closed.batch,
    )


class RunSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which programme to settle, and through which closed day; without one, through the last."""

    programme: Code
    through: date | None = None


class LineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a party's statement; `amount` is negative where it is against the party."""

    kind: LineKind
    version: int
    points: int
    late_points: int
    amount: Money


class PartyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A party's lines and what they come to; `net` is positive where the party gets it."""

    party: str
    lines: list[LineAnswer]
    net: Money


class PointsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The roll-forward of outstanding points, and what members owe."""

    opening: int
    issued: int
    clawed_back: int
    redeemed: int
    restored: int
    exchanged: int
    expired: int
    recovered: int
    closing: int
    shortfall: int
    shortfall_open: int
    closing_by_issuer: dict[str, int]


class StepAnswer(msgspec.Struct, frozen=True):
    """Who brought the batch into a state, when and why."""

    state: str
    person: str
    at: str
    reason: str


class PaymentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A payment to a party and how far it is."""

    end_to_end_id: str
    party: str
    attempt: int
    amount: Money
    state: str
    reason: str | None


class NoticeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a party is asked to pay."""

    reference: str
    party: str
    amount: Money
    received: Money
    due_on: date
    state: str


class OperatorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's own side: what it earned, and how the obligation towards members changed.

    What parties pay and get is what stands here: minus the sum of their nets is `obligation_change` +
    `deferred_fee_change` + `service_fee` + `commission` + `exchange_margin` + `reserve_variance_and_rounding` + `vat` +
    `breakage` - `goodwill`.
    """

    service_fee: Money
    commission: Money
    exchange_margin: Money
    reserve_variance_and_rounding: Money
    vat: Money
    breakage: Money
    goodwill: Money
    deferred_fee_change: Money
    deferred_fee_closing: Money
    obligation_change: Money
    obligation_closing: Money


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement batch. `digest` is the SHA-256 over all that it rests on and comes to."""

    id: str
    programme: str
    state: str
    first_day: date
    last_day: date
    revision: int
    digest: str
    parties: list[PartyAnswer]
    collect: Money
    pay_out: Money
    operator: OperatorAnswer
    points: PointsAnswer
    payments: list[PaymentAnswer]
    notices: list[NoticeAnswer]
    steps: list[StepAnswer]


class BatchName(msgspec.Struct, frozen=True):
    """A batch and its state."""

    id: str
    state: str


class BatchList(msgspec.Struct, frozen=True):
    """The latest batches of a programme, the last first."""

    items: list[BatchName]
    next_cursor: str | None


def batch_answer(batch: Batch, registry: Registry, payments: list[Payment], notices: list[Notice]) -> BatchAnswer:
    """A batch as it is shown."""
    codes = {number: partner.code for number, partner in registry.partners.items()}
    currency, figures = batch.inputs.currency, batch.figures

    def money(minor: int) -> Money:
        return Money(currency, from_minor(minor, currency))

    return BatchAnswer(
        id=batch.id,
        programme=batch.inputs.programme,
        state=batch.state,
        first_day=batch.first_day,
        last_day=batch.last_day,
        revision=batch.revision,
        digest=batch.digest.hex(),
        parties=[_party_answer(batch, party, codes[party]) for party in figures.nets],
        collect=money(figures.collect_minor),
        pay_out=money(figures.pay_out_minor),
        operator=OperatorAnswer(
            service_fee=money(figures.service_fee_minor),
            vat=money(figures.vat_minor),
            breakage=money(figures.breakage_minor),
            goodwill=money(figures.goodwill_minor),
            deferred_fee_change=money(figures.deferred_fee_change_minor),
            deferred_fee_closing=money(figures.deferred_fee_closing_minor),
            commission=money(figures.commission_minor),
            exchange_margin=money(figures.exchange_margin_minor),
            reserve_variance_and_rounding=money(figures.variance_and_rounding_minor),
            obligation_change=money(figures.obligation_change_minor),
            obligation_closing=money(figures.obligation_closing_minor),
        ),
        points=_points_answer(batch, codes),
        payments=[_payment_answer(one, codes) for one in payments],
        notices=[_notice_answer(one, codes) for one in notices],
        steps=[StepAnswer(step.state, step.person, rfc3339(step.at), step.reason) for step in batch.steps],
    )


def _payment_answer(payment: Payment, codes: dict[int, str]) -> PaymentAnswer:
    return PaymentAnswer(
        end_to_end_id=payment.end_to_end_id,
        party=codes[payment.party],
        attempt=payment.attempt,
        amount=Money(payment.currency, from_minor(payment.amount_minor, payment.currency)),
        state=payment.state,
        reason=payment.reason,
    )


def _notice_answer(notice: Notice, codes: dict[int, str]) -> NoticeAnswer:
    return NoticeAnswer(
        reference=notice.reference,
        party=codes[notice.party],
        amount=Money(notice.currency, from_minor(notice.amount_minor, notice.currency)),
        received=Money(notice.currency, from_minor(notice.received_minor, notice.currency)),
        due_on=notice.due_on,
        state=notice.state,
    )


def _party_answer(batch: Batch, party: int, code: str) -> PartyAnswer:
    currency = batch.inputs.currency
    lines = [
        LineAnswer(
            kind=line.kind,
            version=line.version,
            points=line.points,
            late_points=line.late_points,
            amount=Money(currency, from_minor(line.net_minor, currency)),
        )
        for line in batch.figures.lines
        if line.party == party
    ]
    return PartyAnswer(party=code, lines=lines, net=Money(currency, from_minor(batch.figures.nets[party], currency)))


def _points_answer(batch: Batch, codes: dict[int, str]) -> PointsAnswer:
    positions = batch.figures.positions
    leads = {terms.partner: codes[terms.partner] for terms in batch.inputs.terms}
    by_issuer: dict[str, int] = {}
    for position in positions:
        code = leads.get(batch.inputs.leads[position.funding], "")
        by_issuer[code] = by_issuer.get(code, 0) + position.closing
    return PointsAnswer(
        opening=sum(position.opening for position in positions),
        issued=sum(position.issued for position in positions),
        clawed_back=sum(position.clawed_back for position in positions),
        redeemed=sum(position.redeemed for position in positions),
        restored=sum(position.restored for position in positions),
        exchanged=sum(position.exchanged for position in positions),
        expired=sum(position.expired for position in positions),
        recovered=sum(position.recovered for position in positions),
        closing=sum(position.closing for position in positions),
        shortfall=sum(position.owed for position in positions),
        shortfall_open=sum(position.owed_closing for position in positions),
        closing_by_issuer={code: points for code, points in sorted(by_issuer.items()) if points},
    )
