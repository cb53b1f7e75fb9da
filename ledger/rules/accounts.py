"""The chart of points accounts: kinds, owners, normal sides and balance limits.

An account is (owner, kind, unit). Members own their accounts in their lane; every other party has a
sub-account in each lane, and its balance is the sum over the lanes.

Of a cap, ``authorised`` is what it was granted in all; it is either in the pool of its home lane, in the
allotment of a lane, or used: authorised = pool + allotments + used, and what travels between lanes is zero.
"""

from enum import IntEnum
from typing import Literal, NamedTuple


class AccountKind(IntEnum):
    """Kinds of points accounts, by the number the journal stores."""

    ISSUANCE = 1
    AVAILABLE = 2
    HELD = 3
    SHORTFALL = 4
    REDEEMED = 5
    EXPIRED = 6
    EXCHANGE = 7
    IN_TRANSIT = 8
    POOL = 9
    ALLOTMENT = 10
    USED = 11
    CAP_TRANSIT = 12
    AUTHORISED = 13


class KindRule(NamedTuple):
    """Whose account it is, its normal side, and whether the other side may show."""

    owner: Literal["funding", "member", "partner", "programme", "cap"]
    normal_side: Literal["debit", "credit"]
    either_side: bool


CHART: dict[AccountKind, KindRule] = {
    AccountKind.ISSUANCE: KindRule("funding", "debit", either_side=True),
    AccountKind.AVAILABLE: KindRule("member", "credit", either_side=False),
    AccountKind.HELD: KindRule("member", "credit", either_side=False),
    AccountKind.SHORTFALL: KindRule("member", "debit", either_side=False),
    AccountKind.REDEEMED: KindRule("partner", "credit", either_side=True),
    AccountKind.EXPIRED: KindRule("programme", "credit", either_side=False),
    AccountKind.EXCHANGE: KindRule("programme", "credit", either_side=True),
    AccountKind.IN_TRANSIT: KindRule("programme", "credit", either_side=True),
    AccountKind.POOL: KindRule("cap", "credit", either_side=False),
    AccountKind.ALLOTMENT: KindRule("cap", "credit", either_side=False),
    # Of one lane: what was used in it may be given back in another, where the member has moved to.
    AccountKind.USED: KindRule("cap", "credit", either_side=True),
    AccountKind.CAP_TRANSIT: KindRule("cap", "credit", either_side=True),
    AccountKind.AUTHORISED: KindRule("cap", "debit", either_side=False),
}

MEMBER_KINDS = frozenset(kind for kind, rule in CHART.items() if rule.owner == "member")

NORMAL_CREDIT = frozenset(kind for kind, rule in CHART.items() if rule.normal_side == "credit")
