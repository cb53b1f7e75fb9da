"""What the HTTP interface answers of transactions, balances, statements and lots.

A transaction's first answer is made again, byte for byte, for every repeat of its key: so it is rendered
from its view alone, by the renderer of the format that the journal noted with it.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

import msgspec

from ledger.reading.balances import BalanceView
from ledger.reading.explanations import explain, explain_exchange, explain_spend
from ledger.reading.lots import LotsPage, LotStanding, MemberLot
from ledger.reading.statement import StatementLine, StatementPage
from ledger.reading.transaction_views import Funding, LotView, TransactionView
from ledger.rules.business_day import to_datetime
from ledger.rules.money import from_minor
from ledger.rules.programmes import Programme

_encode = msgspec.json.Encoder().encode


class Money(msgspec.Struct, frozen=True):
    """An amount as a decimal string with all of its currency's decimal places."""

    currency: str
    amount: str


class FundingShare(msgspec.Struct, frozen=True):
    """A partner that issued points, and its parts of the whole."""

    partner: str
    parts: int


class TransactionLot(msgspec.Struct, frozen=True):
    """Points that a transaction moved in one lot; without a last day they do not expire."""

    id: str
    funding: tuple[FundingShare, ...]
    points: int
    expires_on: date | None


class BalanceAfter(msgspec.Struct, frozen=True):
    """The member's points right after a transaction."""

    available: int
    held: int
    pending: int


class PointsOfProgramme(msgspec.Struct, frozen=True):
    """So many points of a programme."""

    programme: str
    points: int


class ExchangedAnswer(msgspec.Struct, frozen=True):
    """What became what in an exchange."""

    burnt: PointsOfProgramme
    earned: PointsOfProgramme


class TransactionAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a posting answers with; ``balance`` only with the member's leave.

    Of a hold, ``id`` is the hold's own and ``expires_at`` its end. ``hold`` is the hold that a capture, a
    void or the end of its time changes; ``released`` what a final capture let go. ``exchanged`` has both sides of an
    exchange.
    """

    id: str
    kind: str
    programme: str | None
    member: str | None
    partner: str | None
    points: int
    lots: tuple[TransactionLot, ...]
    balance: BalanceAfter | None = None
    occurred_at: str
    recorded_at: str
    lane: int
    sequence: int
    reverses: str | None = None
    explanation: str | None = None
    hold: str | None = None
    expires_at: str | None = None
    released: int = 0
    exchanged: ExchangedAnswer | None = None


class Account(msgspec.Struct, frozen=True):
    """An account by its kind and owner."""

    kind: str
    owner: str


class PostingAnswer(msgspec.Struct, frozen=True):
    """Points moved from a debit account to a credit account."""

    debit: Account
    credit: Account
    points: int
    lot: str | None


class JournalAnswer(TransactionAnswer, frozen=True, kw_only=True, omit_defaults=True):
    """A transaction as the journal has it, with its postings and its hash in the lane's chain.

    ``counter`` is the other leg of a gift, merge, move or exchange, ``approval`` the second person's: for staff.
    ``last_day`` and ``days_before`` are those of a notice of expiry.
    """

    scene: str | None = None
    channel: str | None = None
    outlet: str | None = None
    spend: Money | None = None
    cash: Money | None = None
    programme_version: int | None = None
    reversed_by: tuple[str, ...] = ()
    postings: tuple[PostingAnswer, ...]
    hash: str
    counter: str | None = None
    approval: str | None = None
    last_day: date | None = None
    days_before: int | None = None


class ExpiringPoints(msgspec.Struct, frozen=True):
    """Points whose last day is ``on``."""

    on: date
    points: int


class BalanceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A member's points in a programme at ``as_of``; ``expiring`` looks 90 days ahead."""

    member: str
    programme: str
    available: int
    held: int
    pending: int
    shortfall: int
    expiring: tuple[ExpiringPoints, ...]
    as_of: str


class StatementLineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a statement.

    ``points`` and ``held_points`` are signed: what it moved in or out of the running balance, and of what
    is held.
    """

    transaction_id: str
    kind: str
    points: int
    held_points: int
    balance_after: int
    available_after: int
    pending_after: int
    held_after: int
    partner: str | None
    scene: str | None
    occurred_at: str
    recorded_at: str
    explanation: str
    hold: str | None
    reverses: str | None
    reversed_by: tuple[str, ...]


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, newest first.

    ``lapsing`` points have lapsed now and will be posted as expired; ``releasing`` points come back from
    holds whose time is over.
    """

    lapsing: int
    releasing: int
    lines: tuple[StatementLineAnswer, ...]
    next_cursor: str | None


class MemberLotAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A lot of a member and what is left of it.

    It is ``held`` where all that is left is held. ``restored_from`` is the lot whose points came back in
    it after their last day, ``moved_from`` the lot of another account or lane that it continues.
    """

    id: str
    funding: tuple[FundingShare, ...]
    original: int
    remaining: int
    held: int
    available_from: str
    expires_on: date | None
    state: LotStanding
    restored_from: str | None
    moved_from: str | None


class LotsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Lots, and the cursor of the next page where there is one."""

    lots: tuple[MemberLotAnswer, ...]
    next_cursor: str | None


@lru_cache(maxsize=4096)
def rfc3339(instant: int) -> str:
    """Write an instant (microseconds since 1970 UTC) in RFC 3339: UTC, with all six decimals and ``Z``."""
    return f"{to_datetime(instant).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def money(minor: int | None, currency: str | None) -> Money | None:
    """Show minor units as money; None stays None. Raises MalformedRequest for an unknown currency."""
    return None if minor is None or currency is None else Money(currency, from_minor(minor, currency))


def _moment(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def render_transaction(view: TransactionView) -> bytes:
    """The answer to the posting of a transaction: the same bytes whenever and wherever it is rendered.

    ``answer_format`` is twice the version of the renderer, plus one where the balance was shown.
    Raises KeyError for a version that this program does not know.
    """
    return _RENDERERS[view.answer_format // 2](view)


def transaction_answer(view: TransactionView) -> TransactionAnswer:
    """What ``render_transaction`` writes, as a value. The golden tests hold it still."""
    return TransactionAnswer(
        id=view.id,
        kind=view.kind,
        programme=view.programme,
        member=view.member,
        partner=view.partner,
        points=view.points,
        lots=_transaction_lots(view.lots),
        balance=_balance_after(view),
        occurred_at=rfc3339(view.occurred_at),
        recorded_at=rfc3339(view.recorded_at),
        lane=view.lane,
        sequence=view.sequence,
        reverses=view.reverses,
        explanation=explain_spend(view) or explain_exchange(view),
        hold=view.hold,
        expires_at=_moment(view.expires_at),
        released=view.released,
        exchanged=_exchanged(view),
    )


def _render_version_1(view: TransactionView) -> bytes:
    return _encode(transaction_answer(view))


_RENDERERS: dict[int, Callable[[TransactionView], bytes]] = {1: _render_version_1}
"""A changed answer gets a new version; the renderer of an old one stays, since replays need it."""


def journal_answer(
    view: TransactionView, reversed_by: tuple[str, ...] = (), *, for_staff: bool = False
) -> JournalAnswer:
    """A transaction with its postings and hash, and what reversed it since.

    Only staff see which transaction of another member is the other leg, and who approved.
    """
    first_answer = msgspec.structs.asdict(transaction_answer(view)) | {"explanation": explain(view)}
    return JournalAnswer(
        **first_answer,
        scene=view.scene,
        channel=view.channel,
        outlet=view.outlet,
        spend=money(view.spend_minor, view.currency),
        cash=money(view.cash_minor, view.currency),
        programme_version=view.programme_version,
        reversed_by=reversed_by,
        postings=tuple(
            PostingAnswer(
                Account(posting.debit.kind, posting.debit.owner),
                Account(posting.credit.kind, posting.credit.owner),
                posting.points,
                posting.lot,
            )
            for posting in view.postings
        ),
        hash=view.hash.hex(),
        counter=view.counter if for_staff else None,
        approval=view.approval if for_staff else None,
        last_day=None if view.notice is None else view.notice.last_day,
        days_before=None if view.notice is None else view.notice.days_before,
    )


def balance_answer(view: BalanceView, member: str, programme: Programme) -> BalanceAnswer:
    """A balance, with the id of its member."""
    return BalanceAnswer(
        member=member,
        programme=programme.code,
        available=view.available,
        held=view.held,
        pending=view.pending,
        shortfall=view.shortfall,
        expiring=tuple(ExpiringPoints(on, points) for on, points in view.expiring),
        as_of=rfc3339(view.as_of),
    )


def statement_answer(page: StatementPage) -> StatementAnswer:
    """A page of a statement."""
    return StatementAnswer(
        lapsing=page.lapsing,
        releasing=page.releasing,
        lines=tuple(_statement_line(line) for line in page.lines),
        next_cursor=page.next_cursor,
    )


def lots_answer(page: LotsPage) -> LotsAnswer:
    """A page of lots."""
    return LotsAnswer(lots=tuple(_member_lot(lot) for lot in page.lots), next_cursor=page.next_cursor)


def _statement_line(line: StatementLine) -> StatementLineAnswer:
    return StatementLineAnswer(
        transaction_id=line.transaction_id,
        kind=line.kind,
        points=line.points,
        held_points=line.held_points,
        balance_after=line.balance_after,
        available_after=line.available_after,
        pending_after=line.pending_after,
        held_after=line.held_after,
        partner=line.partner,
        scene=line.scene,
        occurred_at=rfc3339(line.occurred_at),
        recorded_at=rfc3339(line.recorded_at),
        explanation=line.explanation,
        hold=line.hold,
        reverses=line.reverses,
        reversed_by=line.reversed_by,
    )


def _member_lot(lot: MemberLot) -> MemberLotAnswer:
    return MemberLotAnswer(
        id=lot.id,
        funding=_shares(lot.funding),
        original=lot.original,
        remaining=lot.remaining,
        held=lot.held,
        available_from=rfc3339(lot.available_from),
        expires_on=lot.expires_on,
        state=lot.state,
        restored_from=lot.restored_from,
        moved_from=lot.moved_from,
    )


def _transaction_lots(lots: tuple[LotView, ...]) -> tuple[TransactionLot, ...]:
    return tuple(TransactionLot(lot.id, _shares(lot.funding), lot.points, lot.expires_on) for lot in lots)


def _balance_after(view: TransactionView) -> BalanceAfter | None:
    # What time ends, or what arrives from another member, was not asked for with this member's leave.
    arrives = bool(view.postings) and view.postings[0].debit.kind == "in_transit"
    if view.answer_format % 2 == 0 or view.kind == "hold-expire" or arrives:
        return None
    return BalanceAfter(view.available, view.held, view.pending)


def _exchanged(view: TransactionView) -> ExchangedAnswer | None:
    both = view.exchanged
    if both is None:
        return None
    burnt = PointsOfProgramme(both.programme, both.burnt_points)
    return ExchangedAnswer(burnt, PointsOfProgramme(both.target_programme, both.earned_points))


def _shares(funding: Funding) -> tuple[FundingShare, ...]:
    return tuple(FundingShare(partner, parts) for partner, parts in funding)
