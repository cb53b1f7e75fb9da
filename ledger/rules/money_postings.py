"""Money in the ledger: the chart of money accounts, postings between them, and how the chain covers them.

Money is posted by settlement alone, in the clearing lane, in minor units of a currency. A money posting has
no row of its own in the hash chain: its transaction carries a commitment to all of them.
"""

import hashlib
from collections.abc import Sequence
from enum import IntEnum

import msgspec

CLEARING_LANE = 0
"""The lane whose transactions settlement posts; members live in it as in any other."""

OPERATOR = 0
"""The party number of the operator's own side of an account."""


class MoneyAccount(IntEnum):
    """The chart of money accounts, by the number the journal stores."""

    SETTLEMENT_BANK = 1000
    RESERVE_BANK = 1010
    ISSUER_RECEIVABLE = 1100
    REDEMPTION_OBLIGATION = 2000
    ACCEPTOR_PAYABLE = 2100
    REFUNDABLE = 2110
    PREFUNDING = 2120
    VAT_PAYABLE = 2200
    DEFERRED_FEE = 2300
    SERVICE_FEE = 4000
    COMMISSION = 4010
    BREAKAGE_INCOME = 4020
    EXCHANGE_MARGIN = 4030
    GOODWILL = 5000
    FX_DIFFERENCE = 5100
    ROUNDING = 5110
    RESERVE_VARIANCE = 5120
    SUSPENSE = 9000
    FX_POSITION = 9100


class MoneyPosting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One movement of money from a debit account to a credit account, in minor units of one currency.

    A party is a partner's number, or OPERATOR where an account is kept for no party.
    """

    currency: str
    debit: int
    debit_party: int
    credit: int
    credit_party: int
    amount_minor: int


_encode = msgspec.json.Encoder().encode


def money_commitment(postings: Sequence[MoneyPosting]) -> str:
    """The SHA-256, in hexadecimal, of the canonical form of a transaction's money postings: compact JSON, in order."""
    return hashlib.sha256(_encode(list(postings))).hexdigest()
