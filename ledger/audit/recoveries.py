"""What repaid shortfalls must give back to the covers of their issuers, whatever kind of transaction repaid them."""

from collections.abc import Iterable
from itertools import takewhile

from msgspec.structs import replace

from ledger.audit.books import USED
from ledger.audit.caps import check_put_back, note_transit
from ledger.audit.case import Case
from ledger.audit.covers import given_back_by_recovery
from ledger.rules.journal import Posting
from ledger.rules.programmes import Cap
from ledger.rules.recoveries import is_recovery


def without_recoveries(case: Case) -> Case:
    """Check what is given back to covers, and return the case without it: its kind checks the rest."""
    recovered = [posting for posting in case.transaction.postings if is_recovery(posting)]
    if not recovered or not case.set_up.registry.covers:
        return case
    postings = case.transaction.postings
    given_back = tuple(takewhile(lambda posting: posting.debit_kind == USED, reversed(postings)))[::-1]
    _check_amounts(case, recovered, given_back)
    check_put_back(case, given_back, [(posting.debit_owner, posting.amount) for posting in given_back])
    note_transit(_with(case, given_back))
    return _with(case, postings[: len(postings) - len(given_back)])


def _with(case: Case, postings: tuple[Posting, ...]) -> Case:
    return replace(case, transaction=replace(case.transaction, postings=postings))


def _check_amounts(case: Case, recovered: Iterable[Posting], given_back: tuple[Posting, ...]) -> None:
    """Each recovery gives back its price; of a cover that the lane has not met yet it may be from before it."""
    rest, seen = list(given_back), case.books.caps_seen
    for posting in recovered:
        for cover, amounts in _due(case, posting):
            is_given = bool(rest) and rest[0].debit_owner == cover.number
            if 0 in amounts and not (is_given and rest[0].amount in amounts):
                continue
            if is_given:
                seen.add(cover.number)
                amount = rest.pop(0).amount
            else:
                amount = 0
            if amount not in amounts and cover.number in seen:
                case.differ(f"points given back to cap {cover.number}", amount, amounts)
    if rest:
        case.differ("postings", rest, "no more")


def _due(case: Case, recovery: Posting) -> Iterable[tuple[Cap, set[int]]]:
    owed = case.books.lots.get(recovery.counter_lot or 0)
    if owed is None or owed.opening.funding not in case.set_up.registry.fundings:
        return
    funding, earned_at = owed.opening.funding, owed.opening.earned_at
    for cover in case.set_up.registry.covers_of(owed.programme, funding):
        yield cover, given_back_by_recovery(case, cover, funding, earned_at, recovery.amount)
