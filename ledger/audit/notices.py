"""Notices of points about to lapse: each once, of what the member then had."""

from ledger.audit.case import Case
from ledger.rules.decisions.notices import LEAD_DAYS, notice_key
from ledger.rules.journal import Particulars


def check_notice(case: Case) -> None:
    """The points free at that moment with that last day; nothing moves."""
    transaction, particulars = case.transaction, case.particulars
    expires_on, days_before = particulars.expires_on, particulars.days_before
    expected = Particulars(expires_on=expires_on, days_before=days_before)
    case.compare("particulars", particulars, expected)
    case.check_frame()
    case.compare("postings and lots", (len(transaction.postings), len(transaction.lots)), (0, 0))
    if expires_on is None or days_before not in LEAD_DAYS:
        case.differ("day and lead of a notice", (expires_on, days_before), f"a day, and one of {LEAD_DAYS}")
        return
    free = sum(lot.remaining for lot in case.points.lots.values() if lot.opening.expires_on == expires_on)
    case.compare("points", transaction.points, free)
    public_id = case.named.public_ids.get(transaction.member)
    if public_id is not None:
        key = notice_key(public_id, transaction.programme, expires_on, days_before)
        case.compare("key of the notice", transaction.key_digest, key)
