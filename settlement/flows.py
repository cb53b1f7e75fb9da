"""Flows: what the points postings of a stretch of the journal come to, by who funded them and who took them."""

from enum import IntEnum

import msgspec


class FlowKind(IntEnum):
    """What happened to points, as settlement sees it.

    A decided return is one whose money a dispute has moved already. What a member came to owe, and was forgiven,
    moves no money: the issuer stays charged.
    """

    ISSUE = 1
    CLAWBACK = 2
    RECOVERY = 3
    REDEEM = 4
    RETURN = 5
    EXPIRE = 6
    DECIDED_RETURN = 7
    OWED = 8
    FORGIVEN = 9
    EXCHANGE = 10


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One sum of postings of a kind.

    ``funding`` and ``version`` are the lot's: the version of its lead partner's contract on the business day it
    was earned. ``acceptor_version`` is that of the acceptor's contract on the business day of the original
    redemption. Of an exchange they are the partner that issues in the other programme, and the number of the rate.
    Of a recovery, ``debtor_funding`` and ``debtor_version`` are those of the reversed lot. ``excess``
    is what of the points is above what the lot's original lets come back to its issuer; ``late_points`` is what
    occurred on a business day before the batch's first.
    """

    kind: FlowKind
    funding: int
    version: int
    points: int
    acceptor: int = 0
    acceptor_version: int = 0
    debtor_funding: int = 0
    debtor_version: int = 0
    excess: int = 0
    late_points: int = 0
    transactions: int = 0

    @property
    def refunded(self) -> int:
        """The points that bring their issuer money back."""
        return self.points - self.excess
