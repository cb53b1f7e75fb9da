"""What each kind of transaction must look like, worked out from the books as they stand before it.

Each kind has one function. It says which postings and lots the journal must have, and the journal is
compared with that. A new kind of transaction is a new entry in ``CHECKS``.
"""

from collections.abc import Callable

from ledger.audit.books import AVAILABLE, ISSUANCE, REDEEMED
from ledger.audit.caps import check_cap, check_draw
from ledger.audit.case import Case
from ledger.audit.clearing import check_money_only, check_settlement
from ledger.audit.corrections import check_adjustment, check_write_off
from ledger.audit.epochs import check_epoch
from ledger.audit.exchanges import check_exchange
from ledger.audit.gifts_and_moves import check_gift, check_merge_or_move
from ledger.audit.holds import check_capture, check_hold, check_hold_expiry, check_void
from ledger.audit.notices import check_notice
from ledger.audit.points import Lot
from ledger.audit.recoveries import without_recoveries
from ledger.audit.repayment import Repayment
from ledger.audit.reversals import check_reversal
from ledger.audit.statuses import check_close, check_freeze, check_member, check_unfreeze
from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.rules.expiry import expiry_key
from ledger.rules.journal import (
    FORMAT,
    FORMAT_WITH_PARTICULARS,
    LotOpening,
    Particulars,
    Posting,
    Transaction,
    TransactionKind,
)
from ledger.rules.programmes import LEDGER_ITSELF

_Kind = TransactionKind
_EXPIRE, _HOLD_EXPIRE, _CLOSE = map(int, (_Kind.EXPIRE, _Kind.HOLD_EXPIRE, _Kind.CLOSE))
_OF_CAPS = frozenset({_Kind.CAP, _Kind.COVER_LOW})

OF_NO_PROGRAMME = frozenset({_Kind.FREEZE, _Kind.UNFREEZE, _Kind.CLOSE, _Kind.MERGE, _Kind.MOVE, _Kind.EPOCH})
"""Kinds that may concern a member, or the ledger, as a whole, and so no programme."""

_WITHOUT_MEMBER = _OF_CAPS | {_Kind.SETTLE, _Kind.MONEY, _Kind.EPOCH}
_OF_THE_LEDGER = frozenset(
    {
        _Kind.EXPIRE,
        _Kind.WRITE_OFF,
        _Kind.FREEZE,
        _Kind.UNFREEZE,
        _Kind.CLOSE,
        _Kind.NOTICE,
        _Kind.SETTLE,
        _Kind.MONEY,
        _Kind.EPOCH,
    }
)
_BY_EITHER = _OF_CAPS | {_Kind.GIFT, _Kind.EXCHANGE, _Kind.MERGE, _Kind.MOVE}
_WITHOUT_PARTICULARS = frozenset(
    {_Kind.EARN, _Kind.REDEEM, _Kind.EXPIRE, _Kind.FREEZE, _Kind.UNFREEZE, _Kind.CLOSE, *_OF_CAPS}
)
_NO_PARTICULARS = Particulars()


def check_kind(case: Case) -> None:
    """Check a transaction by what holds for all, then by its kind."""
    transaction, books = case.transaction, case.books
    kind = transaction.kind
    _check_partner(case)
    if (transaction.member == 0) != (kind in _WITHOUT_MEMBER):
        case.differ("member", transaction.member, "0 for caps, settlement and epochs, and a member for all else")
    if kind not in _WITHOUT_PARTICULARS or transaction.format != FORMAT:
        _check_format(case)
    if case.points.holds:
        _check_holds_ended(case)
    if books.giving_up is not None:
        _check_giving_up(case, books.giving_up)
    if transaction.member in books.members:
        check_member(case)
    case.check_postings()
    case = without_recoveries(case)
    check = CHECKS.get(kind)
    if check is None:
        case.differ("kind", kind, "a kind of transaction")
    else:
        check(case)


def _check_partner(case: Case) -> None:
    """What the ledger does by itself has no partner, all else one of the set-up, and a few kinds either."""
    kind, partner = case.transaction.kind, case.transaction.partner
    if kind in _OF_THE_LEDGER:
        case.compare("partner", partner, LEDGER_ITSELF)
    elif partner not in case.set_up.registry.partners and not (kind in _BY_EITHER and partner == LEDGER_ITSELF):
        case.differ("partner", partner, "a partner of the set-up")


def _check_format(case: Case) -> None:
    """Only kinds that have particulars are of the format with them; a reversal where its lots have origins."""
    kind = case.transaction.kind
    has_particulars = kind not in _WITHOUT_PARTICULARS
    if kind == _Kind.REVERSE:
        has_particulars = case.particulars != _NO_PARTICULARS
    case.compare("format", case.transaction.format, FORMAT_WITH_PARTICULARS if has_particulars else FORMAT)


def _check_holds_ended(case: Case) -> None:
    """A hold past its time ends before anything else touches the member's points."""
    transaction, now = case.transaction, case.transaction.recorded_at
    if transaction.kind != _HOLD_EXPIRE and case.points.first_hold_end_at() <= now:
        ended = sorted(number for number, hold in case.points.holds.items() if hold.expires_at <= now)
        case.differ("holds past their time", ended, "none: they expire first")


def _check_giving_up(case: Case, given_up: Transaction) -> None:
    """Whoever gives points up closes the account at once."""
    transaction = case.transaction
    if transaction.member != given_up.member or transaction.kind not in (_EXPIRE, _CLOSE):
        place = f"transaction {given_up.sequence}"
        case.findings.differ(transaction.lane, place, "expiry", "before its time", "the member closes at once")
    case.books.giving_up = None


def _check_earn(case: Case) -> None:
    """One new lot with the stated points, credited from its funding; shortfalls are repaid at once."""
    transaction = case.transaction
    if len(transaction.lots) != 1:
        case.differ("lots opened", len(transaction.lots), 1)
        return
    opening = transaction.lots[0]
    _check_funding(case, opening.funding)
    version = case.version(transaction.programme_version)
    if version is None:
        case.differ("programme version", transaction.programme_version, "one of the programme")
        return
    expected = LotOpening(
        lot=opening.lot,
        funding=opening.funding,
        terms_version=opening.terms_version,
        earned_at=transaction.occurred_at,
        available_from=opening.available_from,
        expires_on=version.expires_on(case.programme.business_day(transaction.occurred_at)),
        original=transaction.points,
    )
    case.compare("lot opened", opening, expected)
    credit = Posting(ISSUANCE, opening.funding, AVAILABLE, transaction.member, transaction.points, opening.lot)
    repaid, _ = Repayment(case.points, transaction.member).of(opening, transaction.points)
    own = transaction.postings[: 1 + len(repaid)]
    case.compare("postings", own, (credit, *repaid))
    of_caps = transaction.postings[len(own) :]
    if of_caps or case.books.caps_seen:
        check_draw(case, of_caps)


def _check_funding(case: Case, funding: int) -> None:
    """A partner issues under its own funding, or under a campaign's that it shares in."""
    registry, transaction = case.set_up.registry, case.transaction
    partner = registry.partners.get(transaction.partner)
    if partner is None or funding == partner.funding:
        return
    campaign = registry.campaign_funded(funding)
    if campaign is None or campaign.programme != transaction.programme:
        case.differ("funding of the lot", funding, f"{partner.funding}, or that of a campaign of the programme")
    elif partner.number not in dict(registry.fundings[funding]):
        case.differ("funding of the lot", funding, f"one that partner {partner.number} shares in")


def _check_redeem(case: Case) -> None:
    """Usable lots in the order of use, up to the points redeemed, to the transaction's own partner."""
    transaction = case.transaction
    usable = case.points.usable(transaction.recorded_at)
    case.compare("postings", transaction.postings, case.spent(usable, REDEEMED, transaction.partner))
    case.compare("lots opened", len(transaction.lots), 0)


def _check_expire(case: Case) -> None:
    """All that is free of one lapsed lot leaves the member and goes back to its funding."""
    transaction = case.transaction
    number = transaction.postings[0].lot if transaction.postings else None
    lot = case.books.lots.get(number or 0)
    if lot is None:
        case.differ("lot that expires", number, "a lot with points left")
        return
    _check_time_of_expiry(case, lot)
    case.compare("postings", transaction.postings, case.expiry_of(lot.opening, lot.remaining))
    case.compare("points", transaction.points, lot.remaining)
    case.compare("lots opened", len(transaction.lots), 0)
    key = expiry_key(transaction.lane, lot.opening.lot, lot.expiries + 1)
    found = (transaction.key_digest, transaction.request_digest)
    case.compare("key of the expiry", found, (key, key[:REQUEST_DIGEST_BYTES]))


def _check_time_of_expiry(case: Case, lot: Lot) -> None:
    """A lot expires when it has lapsed, or at the moment its member gives it up to close the account."""
    transaction = case.transaction
    if lot.lapses_at <= transaction.recorded_at:
        case.compare("occurred_at", transaction.occurred_at, lot.lapses_at)
        return
    case.compare("occurred_at", transaction.occurred_at, transaction.recorded_at)
    case.books.giving_up = transaction


CHECKS: dict[int, Callable[[Case], None]] = {
    int(_Kind.EARN): _check_earn,
    int(_Kind.REDEEM): _check_redeem,
    int(_Kind.REVERSE): check_reversal,
    int(_Kind.EXPIRE): _check_expire,
    int(_Kind.HOLD): check_hold,
    int(_Kind.CAPTURE): check_capture,
    int(_Kind.VOID): check_void,
    int(_Kind.HOLD_EXPIRE): check_hold_expiry,
    int(_Kind.GIFT): check_gift,
    int(_Kind.MERGE): check_merge_or_move,
    int(_Kind.MOVE): check_merge_or_move,
    int(_Kind.ADJUST): check_adjustment,
    int(_Kind.WRITE_OFF): check_write_off,
    int(_Kind.FREEZE): check_freeze,
    int(_Kind.UNFREEZE): check_unfreeze,
    int(_Kind.CLOSE): check_close,
    int(_Kind.NOTICE): check_notice,
    int(_Kind.CAP): check_cap,
    int(_Kind.SETTLE): check_settlement,
    int(_Kind.MONEY): check_money_only,
    int(_Kind.COVER_LOW): check_cap,
    int(_Kind.EXCHANGE): check_exchange,
    int(_Kind.EPOCH): check_epoch,
}
