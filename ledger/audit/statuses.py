"""Freezing, unfreezing and closing a member, and what a member's status leaves it."""

from ledger.audit.case import Case
from ledger.audit.membership import ACTIVE, CLOSED, FROZEN
from ledger.rules.journal import TransactionKind

_ONLY_ACTIVE = frozenset(
    {
        TransactionKind.EARN,
        TransactionKind.REDEEM,
        TransactionKind.HOLD,
        TransactionKind.GIFT,
        TransactionKind.EXCHANGE,
    }
)
_HEADS_AND_LEGS = frozenset({TransactionKind.MERGE, TransactionKind.MOVE})


def check_member(case: Case) -> None:
    """A member that has become another one, is frozen or closed has no transactions that it may not have."""
    transaction = case.transaction
    member = case.books.members[transaction.member]
    if member.into is not None:
        is_leg = transaction.kind in _HEADS_AND_LEGS and transaction.key_digest == member.left_by
        if not is_leg:
            case.differ("member", transaction.member, f"member {member.into.number} of lane {member.into.lane}")
    elif transaction.kind in _ONLY_ACTIVE and not member.must_be(ACTIVE):
        case.differ("status of the member", member.status, ACTIVE)
    elif transaction.kind == TransactionKind.ADJUST and member.status == CLOSED:
        case.differ("status of the member", CLOSED, "open")


def check_freeze(case: Case) -> None:
    """An active member is frozen."""
    _change(case, ACTIVE, FROZEN)


def check_unfreeze(case: Case) -> None:
    """A frozen member becomes active."""
    _change(case, FROZEN, ACTIVE)


def check_close(case: Case) -> None:
    """A member with nothing left in any programme is closed, whether it was frozen or not."""
    member = case.books.members[case.transaction.member]
    if member.status == CLOSED:
        case.differ("status of the member", CLOSED, "open")
    for programme in case.set_up.programmes:
        points = case.books.points.get((case.transaction.member, programme))
        if points is not None and (points.posted, points.held, points.shortfall) != (0, 0, 0):
            left = (points.posted, points.held, points.shortfall)
            case.differ(f"posted, held and owed points in programme {programme}", left, (0, 0, 0))
    _check_nothing_moves(case)
    member.status = CLOSED


def _change(case: Case, before: str, after: str) -> None:
    member = case.books.members[case.transaction.member]
    if not member.must_be(before):
        case.differ("status of the member", member.status, before)
    _check_nothing_moves(case)
    member.status = after


def _check_nothing_moves(case: Case) -> None:
    transaction = case.transaction
    found = (transaction.programme, transaction.points, len(transaction.postings), len(transaction.lots))
    case.compare("programme, points, postings and lots", found, (0, 0, 0, 0))
    case.check_frame()
