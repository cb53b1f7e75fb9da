"""Adjustments and write-offs: what two persons decided, and nothing beyond it."""

from ledger.audit.books import AVAILABLE, ISSUANCE, SHORTFALL
from ledger.audit.case import Case
from ledger.audit.repayment import Repayment
from ledger.rules.journal import LotOpening, Particulars, Posting


def check_adjustment(case: Case) -> None:
    """Points are given at a partner's cost in a lot as an earn's, or taken from lots that it funds."""
    transaction = case.transaction
    partner = case.set_up.registry.partners.get(transaction.partner)
    if partner is not None and transaction.lots:
        _check_given(case, partner.funding)
    elif partner is not None:
        _check_taken(case, partner.funding)
    _check_approval(case, "adjust")


def check_write_off(case: Case) -> None:
    """What a member owes is forgiven, oldest first, by whoever bears it."""
    transaction = case.transaction
    postings: list[Posting] = []
    rest = transaction.points
    for owed in case.points.owed:
        if rest == 0:
            break
        forgiven = min(owed.remaining, rest)
        rest -= forgiven
        postings.append(Posting(ISSUANCE, owed.funding, SHORTFALL, owed.member, forgiven, owed.lot, owed.lot))
    if rest:
        case.differ("points", transaction.points, f"at most {transaction.points - rest}, which are owed")
    case.compare("postings", transaction.postings, tuple(postings))
    case.compare("lots opened", len(transaction.lots), 0)
    case.check_frame()
    _check_approval(case, "write-off")


def _check_given(case: Case, funding: int) -> None:
    transaction, opening = case.transaction, case.transaction.lots[0]
    case.compare("lots opened", len(transaction.lots), 1)
    case.check_frame(version=transaction.programme_version)
    version = case.version(transaction.programme_version)
    if version is None:
        case.differ("programme version", transaction.programme_version, "one of the programme")
        return
    expected = LotOpening(
        lot=opening.lot,
        funding=funding,
        terms_version=opening.terms_version,
        earned_at=transaction.recorded_at,
        available_from=transaction.recorded_at,
        expires_on=version.expires_on(case.programme.business_day(transaction.recorded_at)),
        original=transaction.points,
    )
    case.compare("lot opened", opening, expected)
    credit = Posting(ISSUANCE, funding, AVAILABLE, transaction.member, transaction.points, opening.lot)
    repaid, _ = Repayment(case.points, transaction.member).of(opening, transaction.points)
    case.compare("postings", transaction.postings, (credit, *repaid))


def _check_taken(case: Case, funding: int) -> None:
    usable = case.points.usable(case.transaction.recorded_at)
    funded = [lot for lot in usable if lot.opening.funding == funding]
    case.compare("postings", case.transaction.postings, case.spent(funded, ISSUANCE, funding))
    case.check_frame()


def _check_approval(case: Case, operation: str) -> None:
    """The approval that is named was given, and where it says that it was posted it says here."""
    named = case.particulars.approval
    case.compare("particulars", case.particulars, Particulars(approval=named))
    approval = case.named.approvals.get(named or "")
    if approval is None:
        case.differ("approval", named, "one that is kept")
        return
    case.compare("operation of the approval", approval.operation, operation)
    if approval.state == "posted":
        case.compare("place of the approval", (approval.lane, approval.sequence), tuple(case.place))
    elif approval.state != "approved":
        case.differ("state of the approval", approval.state, "approved or posted")
