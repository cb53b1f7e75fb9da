"""What caps must look like: drawn by every earn that falls under them, given back by its reversal, never exceeded.

That no pool and no allotment goes below zero the books see of themselves. What is on its way between lanes
is noted by the command's key and must sum to zero over all lanes.
"""

from collections.abc import Sequence

import msgspec

from ledger.audit.books import ALLOTMENT, AUTHORISED, CAP_TRANSIT, POOL, USED
from ledger.audit.case import Case
from ledger.audit.covers import used_of_cover
from ledger.audit.named import Original
from ledger.rules.covers import cost_of_point, given_back_of_use
from ledger.rules.journal import Posting, TransactionKind
from ledger.rules.programmes import LEDGER_ITSELF, Cap

_AT_HOME = frozenset({(AUTHORISED, POOL), (POOL, CAP_TRANSIT), (CAP_TRANSIT, POOL), (ALLOTMENT, POOL)})
_OF_COVERS_AT_HOME = _AT_HOME | {(POOL, AUTHORISED), (CAP_TRANSIT, ALLOTMENT)}
_ELSEWHERE = frozenset({(CAP_TRANSIT, ALLOTMENT), (ALLOTMENT, CAP_TRANSIT)})
_SWEEPS = frozenset({(ALLOTMENT, POOL), (ALLOTMENT, CAP_TRANSIT)})
_SHOWS_SWEPT = frozenset({(ALLOTMENT, POOL), (CAP_TRANSIT, POOL)})
_GRANTS = frozenset({(AUTHORISED, POOL), (POOL, AUTHORISED)})


class Taken(msgspec.Struct, frozen=True):
    """Points that reversals took out of an earn's lot: earlier ones, and the one that is checked; and its funding."""

    before: int
    now: int
    funding: int


def check_cap(case: Case) -> None:
    """One movement of a cap's points: a grant, a refill, a draw from afar, a sweep, or what came back."""
    transaction = case.transaction
    posting = transaction.postings[0] if transaction.postings else None
    cap = None if posting is None else case.set_up.caps.get(posting.debit_owner)
    if posting is None or cap is None:
        case.differ("postings", transaction.postings, "one movement of a cap's points")
        return
    case.check_frame()
    case.compare("partner", transaction.partner, LEDGER_ITSELF if cap.partner is None else cap.partner)
    kinds = (posting.debit_kind, posting.credit_kind)
    if transaction.kind == TransactionKind.COVER_LOW and (not cap.is_cover or posting.debit_kind != POOL):
        case.differ("kind", transaction.kind, "that of what takes from the pool of a cover")
    at_home = _OF_COVERS_AT_HOME if cap.is_cover else _AT_HOME
    if kinds not in (at_home if cap.home_lane == transaction.lane else _ELSEWHERE):
        case.differ("accounts of a cap", kinds, "a movement that this lane may have")
    expected = Posting(*kinds[:1], cap.number, kinds[1], cap.number, transaction.points)
    case.compare("postings", transaction.postings, (expected,))
    case.compare("lots opened", len(transaction.lots), 0)
    if kinds in _SWEEPS:
        allotted = case.books.parties.get((ALLOTMENT, cap.number, cap.programme), 0)
        case.compare("points of a sweep", transaction.points, allotted)
    if kinds in _GRANTS or kinds in _SHOWS_SWEPT:
        case.books.swept[cap.number] = kinds not in _GRANTS
    note_transit(case)


def is_grant(postings: tuple[Posting, ...]) -> bool:
    """Whether a transaction on a cap is a command's own, under its key."""
    return bool(postings) and (postings[0].debit_kind, postings[0].credit_kind) in _GRANTS


def check_draw(case: Case, postings: tuple[Posting, ...]) -> None:
    """An earn draws its points, or their price, from every cap it falls under, in the order of their numbers.

    A cap has no date: from the first earn of the lane that met it, every one does.
    """
    transaction, seen = case.transaction, case.books.caps_seen
    rest = list(postings)
    for cap in sorted(_caps_on(case), key=lambda cap: cap.number):
        amounts = used_of_cover(case, cap) if cap.is_cover else {transaction.points}
        of_cap = []
        while rest and rest[0].credit_owner == cap.number:
            of_cap.append(rest.pop(0))
        if not of_cap:
            if cap.number in seen and 0 not in amounts:
                case.differ(f"points of cap {cap.number}", 0, amounts)
            continue
        seen.add(cap.number)
        sources = [posting.debit_kind for posting in of_cap]
        if sources not in _sources(cap, transaction.lane):
            case.differ(f"accounts that cap {cap.number} was drawn from", sources, "those that this lane may use")
        drawn = [
            Posting(source, cap.number, USED, cap.number, p.amount) for source, p in zip(sources, of_cap, strict=True)
        ]
        case.compare(f"postings of cap {cap.number}", of_cap, drawn)
        amount = sum(posting.amount for posting in of_cap)
        if amount not in amounts:
            case.differ(f"points of cap {cap.number}", amount, amounts)
    if rest:
        case.differ("postings", rest, "no more")
    note_transit(case)


def check_given_back(
    case: Case, original: Original, postings: tuple[Posting, ...], returned_points: int, taken: Taken
) -> None:
    """What goes back to its funding is given back to each cap that the earn used; to a cover what left the lot."""
    expected: list[tuple[int, int]] = []
    for number, used in original.cap_uses:
        cap = case.set_up.caps.get(number)
        amount = returned_points
        if cap is not None and cap.is_cover:
            left = original.points - taken.before
            day = case.programme.business_day(original.occurred_at)
            registry = case.set_up.registry
            cost = cost_of_point(registry, cap, taken.funding, day, known_at=original.recorded_at)
            amount = given_back_of_use(used, original.points, cost, left, left - taken.now)
        if amount:
            expected.append((number, amount))
    check_put_back(case, postings, expected)
    if postings:
        note_transit(case)


def check_put_back(case: Case, postings: Sequence[Posting], expected: Sequence[tuple[int, int]]) -> None:
    """Postings put back to caps what is expected, as pairs of a cap's number and an amount, in order."""
    found = [(posting.debit_owner, posting.amount) for posting in postings]
    case.compare("caps given back to", found, list(expected))
    for posting in postings:
        cap = case.set_up.caps.get(posting.debit_owner)
        swept_to = POOL if cap is not None and cap.home_lane == case.transaction.lane else CAP_TRANSIT
        target = posting.credit_kind
        if target not in (ALLOTMENT, swept_to):
            case.differ(f"account that cap {posting.debit_owner} was given back to", target, (ALLOTMENT, swept_to))
        same = Posting(USED, posting.debit_owner, target, posting.debit_owner, posting.amount)
        case.compare(f"postings of cap {posting.debit_owner}", posting, same)


def note_transit(case: Case) -> None:
    """Note what of caps is on its way to another lane, or arrives from one."""
    for posting in case.transaction.postings:
        leaves = (posting.credit_kind == CAP_TRANSIT) - (posting.debit_kind == CAP_TRANSIT)
        if leaves:
            amount = leaves * posting.amount
            case.crossing.note_cap_transit(case.place, case.transaction.key_digest, posting.debit_owner, amount)


def _caps_on(case: Case) -> list[Cap]:
    transaction = case.transaction
    funding = transaction.lots[0].funding
    if funding not in case.set_up.registry.fundings:
        return []
    return case.set_up.registry.caps_on(transaction.programme, transaction.partner, transaction.scene, funding)


def _sources(cap: Cap, lane: int) -> list[list[int]]:
    other = POOL if cap.home_lane == lane and not cap.is_cover else CAP_TRANSIT
    return [[ALLOTMENT], [other], [ALLOTMENT, other]]
