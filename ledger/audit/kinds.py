"""What each kind of transaction must look like, worked out from the books as they stand before it.

Each kind has one function. It says which postings and lots the journal must have, and the journal is
compared with that. A new kind of transaction is a new entry in ``CHECKS``.
"""

from collections.abc import Callable

from ledger.audit.books import AVAILABLE, ISSUANCE, REDEEMED
from ledger.audit.case import Case
from ledger.audit.repayment import Repayment
from ledger.audit.reversals import check_reversal
from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.rules.expiry import expiry_key
from ledger.rules.journal import LotOpening, Posting, TransactionKind
from ledger.rules.programmes import LEDGER_ITSELF

_EXPIRE = int(TransactionKind.EXPIRE)


def check_kind(case: Case) -> None:
    """Check a transaction by what holds for all, then by its kind."""
    transaction = case.transaction
    if transaction.kind == _EXPIRE:
        case.compare("partner", transaction.partner, LEDGER_ITSELF)
    elif transaction.partner not in case.set_up.registry.partners:
        case.differ("partner", transaction.partner, "a partner of the set-up")
    case.check_postings()
    check = CHECKS.get(transaction.kind)
    if check is None:
        case.differ("kind", transaction.kind, "a kind of transaction")
    else:
        check(case)


def _check_earn(case: Case) -> None:
    """One new lot with the stated points, credited from its funding; shortfalls are repaid at once."""
    transaction = case.transaction
    if len(transaction.lots) != 1:
        case.differ("lots opened", len(transaction.lots), 1)
        return
    opening = transaction.lots[0]
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
    case.compare("postings", transaction.postings, (credit, *repaid))


def _check_redeem(case: Case) -> None:
    """Usable lots in the order of use, up to the points redeemed, to the transaction's own partner."""
    transaction = case.transaction
    expected = []
    rest = transaction.points
    for lot in case.points.usable(transaction.recorded_at):
        if rest == 0:
            break
        taken = min(lot.remaining, rest)
        rest -= taken
        expected.append(Posting(AVAILABLE, transaction.member, REDEEMED, transaction.partner, taken, lot.opening.lot))
    case.compare("postings", transaction.postings, tuple(expected))
    case.compare("lots opened", len(transaction.lots), 0)


def _check_expire(case: Case) -> None:
    """All that is free of one lapsed lot leaves the member and goes back to its funding."""
    transaction = case.transaction
    number = transaction.postings[0].lot if transaction.postings else None
    lot = case.books.lots.get(number or 0)
    if lot is None:
        case.differ("lot that expires", number, "a lot with points left")
        return
    if lot.lapses_at > transaction.recorded_at:
        case.differ("recorded_at", transaction.recorded_at, f"{lot.lapses_at} or later, when the lot lapses")
    case.compare("postings", transaction.postings, case.expiry_of(lot.opening, lot.remaining))
    case.compare("points", transaction.points, lot.remaining)
    case.compare("occurred_at", transaction.occurred_at, lot.lapses_at)
    case.compare("lots opened", len(transaction.lots), 0)
    key = expiry_key(transaction.lane, lot.opening.lot, lot.expiries + 1)
    found = (transaction.key_digest, transaction.request_digest)
    case.compare("key of the expiry", found, (key, key[:REQUEST_DIGEST_BYTES]))


CHECKS: dict[int, Callable[[Case], None]] = {
    int(TransactionKind.EARN): _check_earn,
    int(TransactionKind.REDEEM): _check_redeem,
    int(TransactionKind.REVERSE): check_reversal,
    int(TransactionKind.EXPIRE): _check_expire,
}
