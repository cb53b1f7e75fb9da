"""A transaction as an answer shows it, made in the same way from what was just posted and from the journal."""

from collections.abc import Mapping
from datetime import date

import msgspec

from ledger.ids import Place, lot_id, transaction_id
from ledger.rules.accounts import CHART, AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.exchanges import burnt_at_rate, earned_at_rate
from ledger.rules.journal import (
    JournalEntry,
    LotOpening,
    Particulars,
    ParticularTransaction,
    Posting,
    Transaction,
    TransactionKind,
)
from ledger.rules.programmes import LEDGER_ITSELF, EarnRate, Programme, Registry

TRANSACTION_KINDS = {kind.value: kind.name.lower().replace("_", "-") for kind in TransactionKind}
_ACCOUNT_KINDS = {kind.value: kind.name.lower() for kind in AccountKind}
_OWNERS = {kind.value: rule.owner for kind, rule in CHART.items()}

_NO_PARTICULARS = Particulars()

Funding = tuple[tuple[str, int], ...]
"""Who issued points: pairs of a partner's code and its parts of the whole."""


class LotView(msgspec.Struct, frozen=True, gc=False):
    """Points that a transaction moved in one lot."""

    id: str
    funding: Funding
    points: int
    expires_on: date | None


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """An account by its kind and owner: a partner, programme, cap or member, or the campaign of a split funding."""

    kind: str
    owner: str


class PostingView(msgspec.Struct, frozen=True, gc=False):
    """Points moved from a debit account to a credit account."""

    debit: AccountView
    credit: AccountView
    points: int
    lot: str | None


class NoticeFacts(msgspec.Struct, frozen=True, gc=False):
    """What a notice of expiry tells: the last day of some points, and how many days before it the notice is."""

    last_day: date
    days_before: int


class ExchangedPoints(msgspec.Struct, frozen=True):
    """Points of a programme that became points of another, by codes."""

    programme: str
    burnt_points: int
    target_programme: str
    earned_points: int


class TransactionView(msgspec.Struct, frozen=True, gc=False):
    """Everything that answers tell of a transaction.

    Instants are microseconds since 1970 UTC, money is in minor units of ``currency``. ``partner`` is
    None for what the ledger does itself, ``programme`` for what concerns a member as a whole, ``member``
    for what concerns a cap. ``rate`` is the one of the programme version that an earn, or the earn behind
    a reversal, came under. ``reverses`` is the original's id.

    ``hold`` is the id of the hold that is captured or ended, the same wherever a merge or move has taken
    it; ``expires_at`` when a hold that is opened ends. ``counter`` is the id of the other leg of a gift,
    merge, move or exchange; ``exchanged`` has both sides of the latter. ``is_given_up``: what expires does so
    by its member's wish, before its time.
    """

    id: str
    kind: str
    programme: str | None
    member: str | None
    partner: str | None
    points: int
    lots: tuple[LotView, ...]
    available: int
    held: int
    pending: int
    answer_format: int
    occurred_at: int
    recorded_at: int
    lane: int
    sequence: int
    spend_minor: int | None
    cash_minor: int | None
    currency: str | None
    scene: str | None
    channel: str | None
    outlet: str | None
    programme_version: int | None
    rate: EarnRate | None
    reverses: str | None
    hash: bytes
    postings: tuple[PostingView, ...]
    hold: str | None = None
    expires_at: int | None = None
    counter: str | None = None
    approval: str | None = None
    is_given_up: bool = False
    notice: NoticeFacts | None = None
    exchanged: ExchangedPoints | None = None

    def change(self, account_kind: str) -> int:
        """What it added to the member's account of a kind, such as ``available``; negative where it took."""
        return sum(
            posting.points * ((posting.credit.kind == account_kind) - (posting.debit.kind == account_kind))
            for posting in self.postings
        )

    @property
    def released(self) -> int:
        """Held points that a final capture let go."""
        if self.kind != "capture":
            return 0
        return sum(posting.points for posting in self.postings if posting.credit.kind == "available")


class Surroundings(msgspec.Struct, frozen=True):
    """What a transaction refers to.

    The openings of its lots by number, its member's id, the ids of the original and the other leg that it
    names, and the id of the first hold behind the hold that it names, each by place.
    """

    openings: Mapping[int, LotOpening]
    member_id: str | None
    ids: Mapping[Place, str] = {}
    holds: Mapping[Place, str] = {}

    def lot_ids(self, lane: int) -> dict[int, str]:
        """The ids of the lots, which are of the transaction's lane."""
        return {number: lot_id(opening.earned_at, lane, number) for number, opening in self.openings.items()}


def original_place(transaction: Transaction) -> Place | None:
    """The place of what a reversal takes back."""
    if transaction.reverses_lane is None or transaction.reverses_sequence is None:
        return None
    return Place(transaction.reverses_lane, transaction.reverses_sequence)


def hold_place(transaction: Transaction) -> Place | None:
    """The place of the hold that a transaction changes, in its own lane."""
    hold = particulars_of(transaction).hold
    return None if hold is None else Place(transaction.lane, hold)


def counter_place(transaction: Transaction) -> Place | None:
    """The place of the other leg of a gift, merge, move or exchange."""
    particulars = particulars_of(transaction)
    if particulars.counter_lane is None or particulars.counter_sequence is None:
        return None
    return Place(particulars.counter_lane, particulars.counter_sequence)


def particulars_of(transaction: Transaction) -> Particulars:
    """What only some kinds have; nothing of it where the kind has none."""
    return transaction.particulars if isinstance(transaction, ParticularTransaction) else _NO_PARTICULARS


def view_of(entry: JournalEntry, around: Surroundings, registry: Registry) -> TransactionView:
    """Make the view of one journal entry. Raises KeyError where the set-up is older than the entry."""
    transaction = entry.transaction
    programme = registry.programme_numbered(transaction.programme) if transaction.programme else None
    lots, particulars = around.lot_ids(transaction.lane), particulars_of(transaction)
    return TransactionView(  # By position: naming so many fields takes longer than all else here.
        transaction_id(transaction.recorded_at, transaction.lane, transaction.sequence, entry.hash),
        TRANSACTION_KINDS[transaction.kind],
        None if programme is None else programme.code,
        around.member_id,
        None if transaction.partner == LEDGER_ITSELF else registry.partners[transaction.partner].code,
        transaction.points,
        _lots(transaction, lots, around.openings, registry),
        transaction.available_after,
        transaction.held_after,
        transaction.pending_after,
        transaction.answer_format,
        transaction.occurred_at,
        transaction.recorded_at,
        transaction.lane,
        transaction.sequence,
        transaction.spend_minor,
        transaction.cash_minor,
        None if programme is None else programme.currency,
        transaction.scene,
        transaction.channel,
        transaction.outlet,
        transaction.programme_version,
        _rate(programme, transaction.programme_version),
        _named(original_place(transaction), around.ids),
        entry.hash,
        tuple(_posting(posting, lots, around, programme, registry) for posting in transaction.postings),
        _named(hold_place(transaction), around.holds),
        particulars.expires_at,
        _named(counter_place(transaction), around.ids),
        particulars.approval,
        _is_given_up(transaction, around.openings, programme),
        _notice(particulars),
        _exchanged(transaction, particulars, registry),
    )


def funding_of(number: int, registry: Registry) -> Funding:
    """The codes and parts of the partners behind a funding."""
    return tuple((registry.partners[partner].code, parts) for partner, parts in registry.fundings[number])


def _lots(
    transaction: Transaction,
    ids: Mapping[int, str],
    openings: Mapping[int, LotOpening],
    registry: Registry,
) -> tuple[LotView, ...]:
    """Each lot once, in the order of first appearance, with the points of its first movement.

    Later postings of a lot between other accounts only pass those points on, for instance to repay a
    shortfall. Of a capture, only what was captured: a final one also releases.
    """
    movements: dict[int, tuple[int, int]] = {}
    moved: dict[int, int] = {}
    for posting in transaction.postings:
        if posting.lot is None:
            continue
        if transaction.kind == TransactionKind.CAPTURE and posting.credit_kind != AccountKind.REDEEMED:
            continue
        movement = (posting.debit_kind, posting.credit_kind)
        if movements.setdefault(posting.lot, movement) == movement:
            moved[posting.lot] = moved.get(posting.lot, 0) + posting.amount
    return tuple(
        LotView(ids[number], funding_of(openings[number].funding, registry), points, openings[number].expires_on)
        for number, points in moved.items()
    )


def _named(place: Place | None, ids: Mapping[Place, str]) -> str | None:
    return None if place is None else ids[place]


def _notice(particulars: Particulars) -> NoticeFacts | None:
    if particulars.expires_on is None or particulars.days_before is None:
        return None
    return NoticeFacts(particulars.expires_on, particulars.days_before)


def _exchanged(transaction: Transaction, particulars: Particulars, registry: Registry) -> ExchangedPoints | None:
    if particulars.exchange_rate is None:
        return None
    rate = registry.exchange_rates[particulars.exchange_rate]
    source, target = (registry.programme_numbered(number).code for number in (rate.source, rate.target))
    points = transaction.points
    if transaction.programme == rate.source:
        return ExchangedPoints(source, points, target, earned_at_rate(rate, points) or 0)
    return ExchangedPoints(source, burnt_at_rate(rate, points), target, points)


def _is_given_up(transaction: Transaction, openings: Mapping[int, LotOpening], programme: Programme | None) -> bool:
    if transaction.kind != TransactionKind.EXPIRE or programme is None:
        return False
    last_days = [openings[posting.lot].expires_on for posting in transaction.postings if posting.lot is not None]
    return any(day is None or end_of_day(day, programme.zone) > transaction.recorded_at for day in last_days)


def _rate(programme: Programme | None, version: int | None) -> EarnRate | None:
    if programme is None or version is None:
        return None
    return next(rules.earn_rate for rules in programme.versions if rules.version == version)


def _posting(
    posting: Posting,
    lots: Mapping[int, str],
    around: Surroundings,
    programme: Programme | None,
    registry: Registry,
) -> PostingView:
    return PostingView(
        _account(posting.debit_kind, posting.debit_owner, around, programme, registry),
        _account(posting.credit_kind, posting.credit_owner, around, programme, registry),
        posting.amount,
        None if posting.lot is None else lots[posting.lot],
    )


def _account(
    kind: int, owner: int, around: Surroundings, programme: Programme | None, registry: Registry
) -> AccountView:
    owned_by = _OWNERS[kind]
    if owned_by == "member":
        name = around.member_id
    elif owned_by == "partner":
        name = registry.partners[owner].code
    elif owned_by == "funding":
        campaign = registry.campaign_funded(owner)
        name = registry.partners[owner].code if campaign is None else campaign.code
    elif owned_by == "cap":
        name = registry.cap_numbered(owner).code
    else:
        name = None if programme is None else programme.code
    if name is None:
        msg = f"an account of kind {kind} belongs to nobody in this transaction"
        raise ValueError(msg)
    return AccountView(_ACCOUNT_KINDS[kind], name)
