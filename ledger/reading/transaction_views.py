"""A transaction as an answer shows it, made in the same way from what was just posted and from the journal."""

from collections.abc import Mapping
from datetime import date

import msgspec

from ledger.ids import lot_id, transaction_id
from ledger.rules.accounts import CHART, AccountKind
from ledger.rules.journal import JournalEntry, LotOpening, Posting, TransactionKind
from ledger.rules.programmes import LEDGER_ITSELF, EarnRate, Programme, Registry

_TRANSACTION_KINDS = {kind.value: kind.name.lower() for kind in TransactionKind}
_ACCOUNT_KINDS = {kind.value: kind.name.lower() for kind in AccountKind}
_OWNERS = {kind.value: rule.owner for kind, rule in CHART.items()}

Funding = tuple[tuple[str, int], ...]
"""Who issued points: pairs of a partner's code and its parts of the whole."""


class LotView(msgspec.Struct, frozen=True, gc=False):
    """Points that a transaction moved in one lot."""

    id: str
    funding: Funding
    points: int
    expires_on: date | None


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """An account by its kind and owner: a partner, programme or member; of a split funding all its partners."""

    kind: str
    owner: str


class PostingView(msgspec.Struct, frozen=True, gc=False):
    """Points moved from a debit account to a credit account."""

    debit: AccountView
    credit: AccountView
    points: int
    lot: str | None


class TransactionView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that answers tell of a transaction.

    Instants are microseconds since 1970 UTC, money is in minor units of ``currency``. ``partner`` is
    None for what the ledger does itself. ``rate`` is the one of the programme version that an earn,
    or the earn behind a reversal, came under. ``reverses`` is the original's id.
    """

    id: str
    kind: str
    programme: str
    member: str
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
    currency: str
    scene: str | None
    channel: str | None
    outlet: str | None
    programme_version: int | None
    rate: EarnRate | None
    reverses: str | None
    hash: bytes
    postings: tuple[PostingView, ...]


class Surroundings(msgspec.Struct, frozen=True):
    """What a transaction refers to: the openings of its lots by number, its member's and its original's ids."""

    openings: Mapping[int, LotOpening]
    member_id: str
    reverses: str | None


def view_of(entry: JournalEntry, around: Surroundings, registry: Registry) -> TransactionView:
    """Make the view of one journal entry. Raises KeyError where the set-up is older than the entry."""
    transaction = entry.transaction
    programme = registry.programme_numbered(transaction.programme)
    lane = transaction.lane
    lots = {number: str(lot_id(opening.earned_at, lane, number)) for number, opening in around.openings.items()}
    return TransactionView(
        id=str(transaction_id(transaction.recorded_at, lane, transaction.sequence, entry.hash)),
        kind=_TRANSACTION_KINDS[transaction.kind],
        programme=programme.code,
        member=around.member_id,
        partner=None if transaction.partner == LEDGER_ITSELF else registry.partners[transaction.partner].code,
        points=transaction.points,
        lots=_lots(transaction.postings, lots, around.openings, registry),
        available=transaction.available_after,
        held=transaction.held_after,
        pending=transaction.pending_after,
        answer_format=transaction.answer_format,
        occurred_at=transaction.occurred_at,
        recorded_at=transaction.recorded_at,
        lane=lane,
        sequence=transaction.sequence,
        spend_minor=transaction.spend_minor,
        cash_minor=transaction.cash_minor,
        currency=programme.currency,
        scene=transaction.scene,
        channel=transaction.channel,
        outlet=transaction.outlet,
        programme_version=transaction.programme_version,
        rate=_rate(programme, transaction.programme_version),
        reverses=around.reverses,
        hash=entry.hash,
        postings=tuple(_posting(posting, lots, around, programme, registry) for posting in transaction.postings),
    )


def funding_of(number: int, registry: Registry) -> Funding:
    """The codes and parts of the partners behind a funding."""
    return tuple((registry.partners[partner].code, parts) for partner, parts in registry.fundings[number])


def _lots(
    postings: tuple[Posting, ...],
    ids: Mapping[int, str],
    openings: Mapping[int, LotOpening],
    registry: Registry,
) -> tuple[LotView, ...]:
    """Each lot once, in the order of first appearance, with the points of its first posting.

    Later postings of a lot only pass those points on, for instance to repay a shortfall.
    """
    first: dict[int, int] = {}
    for posting in postings:
        if posting.lot is not None:
            first.setdefault(posting.lot, posting.amount)
    return tuple(
        LotView(ids[number], funding_of(openings[number].funding, registry), points, openings[number].expires_on)
        for number, points in first.items()
    )


def _rate(programme: Programme, version: int | None) -> EarnRate | None:
    if version is None:
        return None
    return next(rules.earn_rate for rules in programme.versions if rules.version == version)


def _posting(
    posting: Posting, lots: Mapping[int, str], around: Surroundings, programme: Programme, registry: Registry
) -> PostingView:
    return PostingView(
        _account(posting.debit_kind, posting.debit_owner, around, programme, registry),
        _account(posting.credit_kind, posting.credit_owner, around, programme, registry),
        posting.amount,
        None if posting.lot is None else lots[posting.lot],
    )


def _account(kind: int, owner: int, around: Surroundings, programme: Programme, registry: Registry) -> AccountView:
    owned_by = _OWNERS[kind]
    if owned_by == "member":
        name = around.member_id
    elif owned_by == "partner":
        name = registry.partners[owner].code
    elif owned_by == "funding":
        name = "+".join(code for code, _ in funding_of(owner, registry))
    else:
        name = programme.code
    return AccountView(_ACCOUNT_KINDS[kind], name)
