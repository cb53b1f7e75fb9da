"""Expiry: lots past their last day lapse, whether or not a job has posted it."""

import hashlib
from collections.abc import Sequence

from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Posting, TransactionKind
from ledger.rules.lots import spend_order
from ledger.rules.outcomes import Decided, Draft
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.rules.state import LotState, PointsState


def expiry_key(lane: int, lot: int, nth: int) -> bytes:
    """The key of a lot's n-th expiry: one lot cannot expire twice for one lapse."""
    return hashlib.sha256(f"expiry:{lane}:{lot}:{nth}".encode()).digest()


def expiry_postings(member: int, programme: int, lot: int, funding: int, amount_points: int) -> list[Posting]:
    """Points leave the member and go back to whoever issued them, in one transaction."""
    return [
        Posting(AccountKind.AVAILABLE, member, AccountKind.EXPIRED, programme, amount_points, lot),
        Posting(AccountKind.EXPIRED, programme, AccountKind.ISSUANCE, funding, amount_points, lot),
    ]


def lapsed_lots(points: PointsState, now: int) -> list[LotState]:
    """Lots with free points whose last day is over, in the order of their lapse."""
    if points.lapsed == 0:
        return []
    lapsed = [lot for lot in points.lots if lot.remaining > 0 and lot.lapses_at <= now]
    lapsed.sort(key=spend_order)
    return lapsed


def lapse_drafts(points: PointsState, now: int) -> list[Draft]:
    """One expiry per lapsed lot, to be posted before anything else touches the member."""
    return [_lapse_draft(lot) for lot in lapsed_lots(points, now)]


def after_lapses(
    points: PointsState, now: int, drafts: list[Draft], *, before: Sequence[Draft] = (), unmatched_minor: int = 0
) -> Decided:
    """Put the lapses of the member, and what else comes first, before the command's own drafts."""
    lapses = lapse_drafts(points, now) if points.lapsed else []
    return Decided([*lapses, *before, *drafts], len(drafts), unmatched_minor)


def given_up_drafts(points: PointsState, now: int) -> list[Draft]:
    """One expiry for every lot with free points, by its member's own wish instead of by time."""
    lots = sorted((lot for lot in points.lots if lot.remaining > 0), key=spend_order)
    return [_lapse_draft(lot, now) for lot in lots]


def _lapse_draft(lot: LotState, now: int | None = None) -> Draft:
    key = expiry_key(lot.lane, lot.lot, lot.expiries + 1)
    return Draft(
        kind=TransactionKind.EXPIRE,
        lane=lot.lane,
        programme=lot.programme,
        partner=LEDGER_ITSELF,
        member=lot.member,
        points=lot.remaining,
        occurred_at=lot.lapses_at if now is None or lot.lapses_at <= now else now,
        key_digest=key,
        request_digest=key[:REQUEST_DIGEST_BYTES],
        postings=expiry_postings(lot.member, lot.programme, lot.lot, lot.funding, lot.remaining),
    )
