"""What a command would do: the body of any of them with its ``operation``."""

from datetime import date

import msgspec

from api.answers import BalanceAfter, ExchangedAnswer, FundingShare, TransactionAnswer
from api.problems import Problem
from api.schemas.commands import EarnQuote, RedeemQuote, ReverseQuote
from api.schemas.corrections import AdjustQuote, WriteOffQuote
from api.schemas.exchanges import ExchangeQuote
from api.schemas.gifts import GiftQuote
from api.schemas.holds import CaptureQuote, HoldQuote, VoidQuote

PartnerQuote = EarnQuote | RedeemQuote | ReverseQuote | HoldQuote | CaptureQuote | VoidQuote
StaffQuote = AdjustQuote | WriteOffQuote
QuoteRequest = PartnerQuote | GiftQuote | ExchangeQuote | StaffQuote


class QuotedLot(msgspec.Struct, frozen=True):
    """Points that would move in one lot."""

    funding: tuple[FundingShare, ...]
    points: int
    expires_on: date | None


class QuotedTransaction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A transaction that would be posted; ``balance`` only with the member's token."""

    kind: str
    programme: str | None
    member: str | None
    partner: str | None
    points: int
    lots: tuple[QuotedLot, ...]
    balance: BalanceAfter | None = None
    occurred_at: str
    reverses: str | None = None
    explanation: str | None = None
    hold: str | None = None
    expires_at: str | None = None
    released: int = 0
    exchanged: ExchangedAnswer | None = None


class QuoteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Either the transaction that would be posted now, or the problem that would refuse it."""

    posts: bool
    transaction: QuotedTransaction | None = None
    refusal: Problem | None = None


def quoted(answer: TransactionAnswer) -> QuotedTransaction:
    """What of a transaction's answer holds before it is posted: all but its ids, place and time."""
    return QuotedTransaction(
        kind=answer.kind,
        programme=answer.programme,
        member=answer.member,
        partner=answer.partner,
        points=answer.points,
        lots=tuple(QuotedLot(lot.funding, lot.points, lot.expires_on) for lot in answer.lots),
        balance=answer.balance,
        occurred_at=answer.occurred_at,
        reverses=answer.reverses,
        explanation=answer.explanation,
        hold=answer.hold,
        expires_at=answer.expires_at,
        released=answer.released,
        exchanged=answer.exchanged,
    )
