"""What holds and their ends must look like: named lots, never more than is held, one end for each hold."""

from collections.abc import Iterable

from ledger.audit.books import AVAILABLE, HELD, REDEEMED
from ledger.audit.case import Case
from ledger.audit.points import Hold, Lot
from ledger.audit.repayment import Repayment
from ledger.ids import REQUEST_DIGEST_BYTES, Place
from ledger.rules.decisions.holds import hold_expiry_key
from ledger.rules.journal import Particulars, Posting

Parts = list[tuple[Lot, int]]


def check_hold(case: Case) -> None:
    """Usable lots in the order of use, up to the points held, until a time that is still to come."""
    transaction = case.transaction
    expires_at = case.particulars.expires_at
    if expires_at is None or expires_at <= transaction.recorded_at:
        case.differ("expires_at", expires_at, f"later than {transaction.recorded_at}, when it was recorded")
    case.compare("particulars", case.particulars, Particulars(expires_at=expires_at))
    expected = case.spent(case.points.usable(transaction.recorded_at), HELD, transaction.member)
    case.compare("postings", transaction.postings, expected)
    case.compare("lots opened", len(transaction.lots), 0)


def check_capture(case: Case) -> None:
    """Held lots in the order of use go to the hold's partner; a final capture releases all the rest."""
    hold = _open_hold(case)
    if hold is None:
        return
    transaction = case.transaction
    if hold.expires_at <= transaction.recorded_at:
        case.differ("recorded_at", transaction.recorded_at, f"before {hold.expires_at}, when the hold ends")
    if not 0 < transaction.points <= hold.remaining:
        case.differ("points captured", transaction.points, f"1 to {hold.remaining}, which are still held")
    taken, left = _divide(held_parts(case, hold), transaction.points)
    captured = tuple(
        Posting(HELD, transaction.member, REDEEMED, transaction.partner, amount, lot.opening.lot)
        for lot, amount in taken
    )
    if transaction.postings != captured:
        case.compare("postings", transaction.postings, (*captured, *_release(case, left)))
    _check_end(case, hold, case.transaction.recorded_at)


def check_void(case: Case) -> None:
    """All that is still held becomes available again."""
    hold = _open_hold(case)
    if hold is None:
        return
    case.compare("points", case.transaction.points, hold.remaining)
    case.compare("postings", case.transaction.postings, tuple(_release(case, held_parts(case, hold))))
    case.compare("cash", case.transaction.cash_minor, None)
    _check_end(case, hold, case.transaction.recorded_at)


def check_hold_expiry(case: Case) -> None:
    """The same by time alone, under a key that no other end of the hold can have."""
    hold = _open_hold(case)
    if hold is None:
        return
    transaction = case.transaction
    if transaction.recorded_at < hold.expires_at:
        case.differ("recorded_at", transaction.recorded_at, f"{hold.expires_at} or later, when the hold ends")
    case.compare("points", transaction.points, hold.remaining)
    case.compare("postings", transaction.postings, tuple(_release(case, held_parts(case, hold))))
    case.compare("cash", transaction.cash_minor, None)
    _check_end(case, hold, hold.expires_at)
    key = hold_expiry_key(Place(transaction.lane, hold.opening.sequence))
    found = (transaction.key_digest, transaction.request_digest)
    case.compare("key of the expiry", found, (key, key[:REQUEST_DIGEST_BYTES]))


def held_parts(case: Case, hold: Hold) -> Parts:
    """The lots of a hold with what is still held of each, in the order of use, lapsed ones too."""
    lots = case.books.lots
    parts = [(lots[number], rest) for number, (_, rest) in hold.lots.items() if rest > 0 and number in lots]
    parts.sort(key=lambda part: part[0].spend_order)
    return parts


def _open_hold(case: Case) -> Hold | None:
    hold = case.books.hold_of(case.transaction)
    if hold is None or hold.remaining <= 0 or hold.opening.sequence >= case.transaction.sequence:
        case.differ("hold", case.particulars.hold, "an open hold of the lane")
        return None
    return hold


def _check_end(case: Case, hold: Hold, occurred_at: int) -> None:
    """What a transaction on a hold has of it: whose it is, and where it was placed."""
    transaction, opening = case.transaction, hold.opening
    case.compare(
        "member, partner and programme",
        (transaction.member, transaction.partner, transaction.programme),
        (opening.member, opening.partner, opening.programme),
    )
    case.compare("particulars", case.particulars, Particulars(hold=opening.sequence))
    case.check_frame(occurred_at=occurred_at, memo=(opening.scene, opening.channel, opening.outlet))
    case.compare("lots opened", len(transaction.lots), 0)


def _release(case: Case, parts: Iterable[tuple[Lot, int]]) -> list[Posting]:
    """Held points come back, repay what the member owes, and lapse where their lot has lapsed."""
    member = case.transaction.member
    repayment = Repayment(case.points, member)
    postings: list[Posting] = []
    for lot, amount_points in parts:
        postings.append(Posting(HELD, member, AVAILABLE, member, amount_points, lot.opening.lot))
        repaid, rest = repayment.of(lot.opening, amount_points)
        postings += repaid
        if rest and lot.lapses_at <= case.transaction.recorded_at:
            postings += case.expiry_of(lot.opening, rest)
    return postings


def _divide(parts: Parts, amount_points: int) -> tuple[Parts, Parts]:
    """The first points of some parts, and what is left of them."""
    taken: Parts = []
    left: Parts = []
    rest = amount_points
    for lot, amount in parts:
        piece = min(amount, rest)
        rest -= piece
        if piece:
            taken.append((lot, piece))
        if amount > piece:
            left.append((lot, amount - piece))
    return taken, left
