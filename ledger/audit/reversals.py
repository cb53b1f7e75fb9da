"""What a reversal must look like: never more than its original, and for the same parties.

A redemption's or capture's lots come back in a fixed order, so its postings are worked out whole; the lots of
an earn may be taken in any order, so its reversal is checked by its sums. Where the original's member has
become another one, what the reversal rests on lies in other lanes, too, and was read for it.
"""

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from ledger.audit.books import AVAILABLE, ISSUANCE, REDEEMED, SHORTFALL, USED, lapse_of
from ledger.audit.caps import Taken, check_given_back
from ledger.audit.case import Case
from ledger.audit.crossing import Return
from ledger.audit.named import LaterReturn, Original
from ledger.audit.points import Lot, TakenBack
from ledger.audit.repayment import Repayment
from ledger.rules.journal import LotOpening, LotOrigin, Particulars, Posting, TransactionKind

_EARN = int(TransactionKind.EARN)
_REVERSIBLE = frozenset({TransactionKind.EARN, TransactionKind.REDEEM, TransactionKind.CAPTURE})


class Family(msgspec.Struct, frozen=True):
    """The lots of a reversed earn: those of the present member that are free, and what has expired of all.

    ``names`` are the lots under which the rest may be owed.
    """

    free: dict[int, Lot]
    expired: int
    names: frozenset[int]


def check_reversal(case: Case) -> None:
    """Check a reversal, and count what it takes of its original."""
    original = case.original
    if original is None or not _may_be_named(case, original):
        transaction = case.transaction
        found = f"lane {transaction.reverses_lane}, sequence {transaction.reverses_sequence}"
        case.differ("original", found, "an earlier earn, redemption or capture")
        return
    transaction = case.transaction
    case.compare(
        "partner, programme and version",
        (transaction.partner, transaction.programme, transaction.programme_version),
        (original.partner, original.programme, original.programme_version),
    )
    later: LaterReturn | None = None
    if (original.lane, original.member) != (transaction.lane, transaction.member):
        later = case.named.later_returns.get(transaction.sequence)
        if later is None:
            case.differ("member", transaction.member, f"member {original.member}, or one that it has become")
            return
    taken = case.books.taken_back[original.sequence] if later is None else _taken_before(case, later)
    if transaction.points > original.points - taken.points:
        case.differ("points reversed", transaction.points, f"at most {original.points - taken.points}")
    _check_spend(case, original, taken)
    _check_by_kind(case, original, taken, later)


def _may_be_named(case: Case, original: Original) -> bool:
    is_later = original.lane == case.transaction.lane and original.sequence >= case.transaction.sequence
    return original.kind in _REVERSIBLE and not is_later


def _taken_before(case: Case, later: LaterReturn) -> TakenBack:
    """What earlier reversals took, in whatever lane; what fell on expired points moved nothing."""
    taken = TakenBack()
    for earlier in later.earlier:
        taken.points += earlier.points
        taken.spend_minor += earlier.spend_minor
        taken.out_of_lot += earlier.freed
        if case.programme.shortfall_policy == "member":
            taken.expired_counted += earlier.points - earlier.moved
    return taken


def _check_by_kind(case: Case, original: Original, taken: TakenBack, later: LaterReturn | None) -> None:
    transaction = case.transaction
    open_points = gone = 0
    if original.kind == _EARN:
        family = _family(case, original) if later is None else _later_family(case, later)
        gone = family.expired
        root = _opening_of(case, original.uses[0][0] if original.uses else 0, later)
        open_points = _check_earn_taken_back(case, original, taken, family, 0 if root is None else root.funding)
    else:
        _check_redemption_given_back(case, original, taken, later)
    if later is not None:
        case.crossing.note_return(original.place, Return(later.step, case.place, open_points, gone))
        return
    taken.points += transaction.points
    taken.spend_minor += transaction.spend_minor or 0
    taken.expired_counted += min(open_points, max(gone - taken.expired_counted, 0))


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


def _check_earn_taken_back(case: Case, original: Original, taken: TakenBack, family: Family, funding: int) -> int:
    """What is free goes back first, what has expired moves nothing, the rest is owed; returns what was not free."""
    transaction = case.transaction
    taking = min(sum(lot.remaining for lot in family.free.values()), transaction.points)
    counted = min(transaction.points - taking, max(family.expired - taken.expired_counted, 0))
    owing = transaction.points - taking - counted if case.programme.shortfall_policy == "member" else 0
    opened = _check_debt_lot(case, original, family, owing)
    took = owes = 0
    own = [posting for posting in transaction.postings if posting.debit_kind != USED]
    for posting in own:
        opening: LotOpening | None = None
        if posting.debit_kind == AVAILABLE and (posting.lot or 0) in family.free:
            took += posting.amount
            opening = family.free[posting.lot or 0].opening
        elif posting.debit_kind == SHORTFALL:
            owes += posting.amount
            opening = _debt_lot(case, family, opened, posting.lot)
        if opening is None or (posting.credit_kind, posting.credit_owner) != (ISSUANCE, opening.funding):
            case.differ("posting of a reversed earn", posting, "from the earn's own lots back to their funding")
    case.compare("points taken back and points owed", (took, owes), (taking, owing))
    of_caps = transaction.postings[len(own) :]
    case.compare("postings", transaction.postings, (*own, *of_caps))
    check_given_back(case, original, of_caps, took + owes, Taken(taken.out_of_lot, took, funding))
    taken.out_of_lot += took
    return transaction.points - taking


def _check_debt_lot(case: Case, original: Original, family: Family, owing: int) -> tuple[LotOpening, ...]:
    """A member that has no lot of the earn's family owes under a new one, which names the debt."""
    transaction = case.transaction
    expected: tuple[LotOpening, ...] = ()
    origins: tuple[LotOrigin, ...] = ()
    later = case.named.later_returns.get(transaction.sequence)
    root = later.used.get(original.uses[0][0]) if later is not None and original.uses else None
    if owing and not family.names and root is not None:
        number = transaction.lots[0].lot if transaction.lots else 0
        expected = (_taken_over(root.opening, number, owing),)
        origins = (LotOrigin(number, original.lane, root.opening.lot),)
    case.compare("lots opened", transaction.lots, expected)
    case.compare("particulars", case.particulars, Particulars(origins=origins))
    return expected


def _debt_lot(case: Case, family: Family, opened: tuple[LotOpening, ...], number: int | None) -> LotOpening | None:
    if opened:
        return opened[0] if opened[0].lot == number else None
    lot = case.books.lots.get(number or 0)
    return lot.opening if lot is not None and number in family.names else None


def _family(case: Case, original: Original) -> Family:
    """An earn's own lot and the lots restored from it."""
    root = original.uses[0][0] if original.uses else 0
    lots = case.books.family(root)
    return Family(_free(case, lots), _gone(case, lots), frozenset({root}))


def _later_family(case: Case, later: LaterReturn) -> Family:
    """An earn's lots in all lanes: those of the present member as the books have them, the others for good."""
    lane, member, sequence = case.transaction.lane, case.transaction.member, case.transaction.sequence
    mine = {r.lot for r in later.family if (r.lane, r.member) == (lane, member) and r.sequence < sequence}
    lots = [case.books.lots[lot] for lot in mine if lot in case.books.lots]
    left_behind = sum(r.expired for r in later.family if (r.lane, r.member) != (lane, member))
    return Family(_free(case, lots), left_behind + _gone(case, lots), frozenset(mine))


def _free(case: Case, lots: Iterable[Lot]) -> dict[int, Lot]:
    return {lot.opening.lot: lot for lot in lots if lot.lapses_at > case.transaction.recorded_at}


def _gone(case: Case, lots: Iterable[Lot]) -> int:
    now = case.transaction.recorded_at
    return sum(lot.expired + (lot.remaining if lot.lapses_at <= now else 0) for lot in lots)


def _check_redemption_given_back(case: Case, original: Original, taken: TakenBack, later: LaterReturn | None) -> None:
    """The lots used come back, last used first; a lapsed one, or another member's, as a new lot."""
    transaction = case.transaction
    repayment = Repayment(case.points, transaction.member)
    openings: list[LotOpening] = []
    origins: list[LotOrigin] = []
    postings: list[Posting] = []
    for number, amount_points in _pieces(case, original, taken):
        opening = _opening_of(case, number, later)
        if opening is None:
            continue
        has_lapsed = lapse_of(opening.expires_on, case.programme.zone) <= transaction.recorded_at
        if has_lapsed or later is not None:
            new = transaction.lots[len(openings)].lot if len(openings) < len(transaction.lots) else 0
            if later is not None:
                origins.append(LotOrigin(new, original.lane, number))
            opening = _restored(case, opening, new, amount_points, has_lapsed=has_lapsed, is_own=later is None)
            openings.append(opening)
        postings.append(Posting(REDEEMED, original.partner, AVAILABLE, transaction.member, amount_points, opening.lot))
        repaid, rest = repayment.of(opening, amount_points)
        postings += repaid
        if has_lapsed and rest and case.programme.restore_grace_days == 0:
            postings += case.expiry_of(opening, rest)
    case.compare("lots opened", transaction.lots, tuple(openings))
    case.compare("postings", transaction.postings, tuple(postings))
    case.compare("particulars", case.particulars, Particulars(origins=tuple(origins)))


def _pieces(case: Case, original: Original, taken: TakenBack) -> list[tuple[int, int]]:
    """Which of the used lots a reversal gives back, and how much of each."""
    skip = taken.points
    rest = case.transaction.points
    pieces = []
    for number, used in reversed(original.uses):
        skipped = min(skip, used)
        skip -= skipped
        amount_points = min(used - skipped, rest)
        rest -= amount_points
        if amount_points:
            pieces.append((number, amount_points))
    return pieces


def _opening_of(case: Case, number: int, later: LaterReturn | None) -> LotOpening | None:
    """A used lot; of a later return it is read from where it was used."""
    if later is None:
        lot = case.books.lots.get(number)
        return None if lot is None else lot.opening
    row = later.used.get(number)
    return None if row is None else row.opening


def _restored(
    case: Case, used: LotOpening, number: int, amount_points: int, *, has_lapsed: bool, is_own: bool
) -> LotOpening:
    """The lot in which points come back; its number is the one stored, which the chain has checked."""
    opening = _taken_over(used, number, amount_points)
    if has_lapsed:
        day = case.programme.business_day(case.transaction.recorded_at)
        grace = timedelta(days=case.programme.restore_grace_days)
        opening = msgspec.structs.replace(opening, expires_on=day + grace)
    if is_own:
        root = used.lot if used.restored_from is None else used.restored_from
        opening = msgspec.structs.replace(opening, restored_from=root)
    return opening


def _taken_over(lot: LotOpening, number: int, amount_points: int) -> LotOpening:
    """A lot with the same funding, terms and dates."""
    return msgspec.structs.replace(lot, lot=number, original=amount_points, restored_from=None)
