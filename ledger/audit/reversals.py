"""What a reversal must look like: never more than its original, and for the same parties.

A redemption's lots come back in a fixed order, so its postings are worked out whole; the lots of an earn
may be taken in any order, so its reversal is checked by its sums.
"""

from datetime import timedelta

from ledger.audit.books import AVAILABLE, ISSUANCE, REDEEMED, SHORTFALL, Lot, TakenBack
from ledger.audit.case import Case
from ledger.audit.pages import Original
from ledger.audit.repayment import Repayment
from ledger.rules.journal import LotOpening, Posting, TransactionKind

_EARN, _REDEEM = int(TransactionKind.EARN), int(TransactionKind.REDEEM)


def check_reversal(case: Case) -> None:
    """Check a reversal, and count what it takes of its original."""
    original = _original_of(case)
    if original is None:
        return
    transaction = case.transaction
    case.compare(
        "member, partner, programme and version",
        (transaction.member, transaction.partner, transaction.programme, transaction.programme_version),
        (original.member, original.partner, original.programme, original.programme_version),
    )
    taken = case.books.taken_back[original.sequence]
    rest_points = original.points - taken.points
    if transaction.points > rest_points:
        case.differ("points reversed", transaction.points, f"at most {rest_points}")
    _check_spend(case, original, taken)
    counted = 0
    if original.kind == _EARN:
        counted = _check_earn_taken_back(case, original, taken)
    else:
        _check_redemption_given_back(case, original, taken)
    taken.points += transaction.points
    taken.spend_minor += transaction.spend_minor or 0
    taken.expired_counted += counted


def _original_of(case: Case) -> Original | None:
    transaction, original = case.transaction, case.original
    if original is not None and original.kind in (_EARN, _REDEEM) and original.sequence < transaction.sequence:
        return original
    found = f"lane {transaction.reverses_lane}, sequence {transaction.reverses_sequence}"
    case.differ("original", found, "an earlier earn or redemption of the lane")
    return None


def _check_spend(case: Case, original: Original, taken: TakenBack) -> None:
    """The spend taken back is within the original's, and the points kept are those of the spend kept."""
    spend = case.transaction.spend_minor
    if spend is None or original.spend_minor is None:
        case.compare("spend of a reversal", spend, original.spend_minor)
        return
    rest = original.spend_minor - taken.spend_minor
    if spend > rest:
        case.differ("spend reversed", spend, f"at most {rest}")
    version = case.version(original.programme_version)
    if spend and version is not None:
        kept = version.earn_rate.points_for(max(rest - spend, 0))
        expected = max(original.points - taken.points - kept, 0)
        case.compare("points reversed with the spend", case.transaction.points, expected)


def _check_earn_taken_back(case: Case, original: Original, taken: TakenBack) -> int:
    """What is free goes back first, what has expired moves nothing, the rest is owed; returns the second."""
    transaction = case.transaction
    now = transaction.recorded_at
    root = original.uses[0][0] if original.uses else 0
    family = case.books.family(root)
    free = {lot.opening.lot: lot for lot in family if lot.lapses_at > now}
    gone = sum(lot.expired for lot in family) + sum(lot.remaining for lot in family if lot.lapses_at <= now)
    taking = min(sum(lot.remaining for lot in free.values()), transaction.points)
    counted = min(transaction.points - taking, gone - taken.expired_counted)
    owing = transaction.points - taking - counted if case.programme.shortfall_policy == "member" else 0
    took = owes = 0
    for posting in transaction.postings:
        if posting.debit_kind == AVAILABLE:
            took += posting.amount
            lot = free.get(posting.lot or 0)
        elif posting.debit_kind == SHORTFALL and posting.lot == root:
            owes += posting.amount
            lot = case.books.lots.get(root)
        else:
            lot = None
        if lot is None or (posting.credit_kind, posting.credit_owner) != (ISSUANCE, lot.opening.funding):
            case.differ("posting of a reversed earn", posting, "from the earn's own lots back to their funding")
    case.compare("points taken back and points owed", (took, owes), (taking, owing))
    case.compare("lots opened", len(transaction.lots), 0)
    return counted


def _check_redemption_given_back(case: Case, original: Original, taken: TakenBack) -> None:
    """The lots used come back, last used first; a lapsed one as a child with the programme's grace."""
    transaction = case.transaction
    repayment = Repayment(case.points, transaction.member)
    openings: list[LotOpening] = []
    postings: list[Posting] = []
    for lot, amount_points in _pieces(case, original, taken):
        opening = lot.opening
        has_lapsed = lot.lapses_at <= transaction.recorded_at
        if has_lapsed:
            opening = _child_of(case, lot, amount_points, len(openings))
            openings.append(opening)
        postings.append(Posting(REDEEMED, original.partner, AVAILABLE, transaction.member, amount_points, opening.lot))
        repaid, rest = repayment.of(opening, amount_points)
        postings += repaid
        if has_lapsed and rest and case.programme.restore_grace_days == 0:
            postings += case.expiry_of(opening, rest)
    case.compare("lots opened", transaction.lots, tuple(openings))
    case.compare("postings", transaction.postings, tuple(postings))


def _pieces(case: Case, original: Original, taken: TakenBack) -> list[tuple[Lot, int]]:
    """Which of the used lots a reversal gives back, and how much of each."""
    skip = taken.points
    rest = case.transaction.points
    pieces = []
    for number, used in reversed(original.uses):
        skipped = min(skip, used)
        skip -= skipped
        amount_points = min(used - skipped, rest)
        rest -= amount_points
        lot = case.books.lots.get(number)
        if lot is not None and amount_points:
            pieces.append((lot, amount_points))
    return pieces


def _child_of(case: Case, lot: Lot, amount_points: int, index: int) -> LotOpening:
    """A lapsed lot's child; its number is the one stored, which the chain has checked."""
    transaction, parent = case.transaction, lot.opening
    day = case.programme.business_day(transaction.recorded_at)
    return LotOpening(
        lot=transaction.lots[index].lot if index < len(transaction.lots) else 0,
        funding=parent.funding,
        terms_version=parent.terms_version,
        earned_at=parent.earned_at,
        available_from=parent.available_from,
        expires_on=day + timedelta(days=case.programme.restore_grace_days),
        original=amount_points,
        restored_from=lot.root,
    )
