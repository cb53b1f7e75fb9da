"""Proposals over HTTP: what one person asks for beside contracts, and another decides."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from api.answers import rfc3339
from api.schemas.contracts import BeneficiarySent, Currency, Price, masked, micros, minor_in
from api.schemas.fields import Code, MoneySent, ShortText, day_within
from ledger.rules.programmes import Registry
from settlement.exchange_rates import MOST_POINTS, ExchangeRateRequest
from settlement.proposals import AdjustmentRequest, AnyRequest, PeriodRequest, ReserveRequest, TermsRequest, request_of
from settlement.set_up import AccountRequest, Approving, LimitRequest
from settlement.store.proposal_rows import Operation, Proposal


def _ownminor_in(amount: MoneySent, currency: str) -> int:
    return minor_in(amount, "amount", currency) or 0


def _own_minor(amount: MoneySent, currency: str) -> int:
    return minor_in(amount, "amount", currency) or 0


class _ProposalSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="operation"):
    programme: Code
    reason: ShortText


class AdjustmentSent(_ProposalSent, frozen=True, tag="adjustment"):
    """Money for a party at the operator's cost, or taken back from it; `about` names what it corrects."""

    party: Code
    amount: MoneySent
    direction: Literal["give", "take"]
    about: ShortText

    def request(self, own_currency: str) -> AnyRequest:
        """What is proposed; raises MalformedRequest for an amount not in the programme's currency."""
        amount_minor = _own_minor(self.amount, own_currency)
        return AdjustmentRequest(self.party, amount_minor if self.direction == "give" else -amount_minor, self.about)


class ReserveSent(_ProposalSent, frozen=True, tag="reserve"):
    """Money into the reserve's account, or out of it."""

    amount: MoneySent
    direction: Literal["fund", "release"]

    def request(self, own_currency: str) -> AnyRequest:
        """What is proposed; raises MalformedRequest for an amount not in the programme's currency."""
        amount_minor = _own_minor(self.amount, own_currency)
        return ReserveRequest(amount_minor if self.direction == "fund" else -amount_minor)


class LimitSent(_ProposalSent, frozen=True, tag="limit"):
    """How much a batch may pay out that a role approves."""

    role: Approving
    amount: MoneySent

    def request(self, own_currency: str) -> AnyRequest:
        """What is proposed; raises MalformedRequest for an amount not in the programme's currency."""
        return LimitRequest(self.role, _own_minor(self.amount, own_currency))


class AccountSent(_ProposalSent, frozen=True, tag="account"):
    """An account of ours, that parties of a currency are paid from and pay to."""

    currency: Currency
    beneficiary: BeneficiarySent

    def request(self, own_currency: str) -> AnyRequest:  # noqa: ARG002 - as of the others
        """What is proposed."""
        of = self.beneficiary
        return AccountRequest(self.currency, of.name, of.account, of.clearing_code)


class PeriodSent(_ProposalSent, frozen=True, tag="period"):
    """A period to be closed: nothing is taken any more that occurred on a day up to `through`."""

    through: date

    def request(self, own_currency: str) -> AnyRequest:  # noqa: ARG002 - as of the others
        """What is proposed."""
        return PeriodRequest(day_within(self.through, "$.through"))


class ExchangeRateSent(_ProposalSent, frozen=True, tag="exchange-rate"):
    """From a business day on, `give` points of the programme become `get` points of another, issued there by `issuer`.

    The issuer has `price`, in the programme's currency, for each point that it issues. To `get` 0 ends the exchange.
    """

    target_programme: Code
    issuer: Code
    starts_on: date
    give: Annotated[int, Meta(ge=1, le=MOST_POINTS)]
    get: Annotated[int, Meta(ge=0, le=MOST_POINTS)]
    price: Price = "0"

    def request(self, own_currency: str) -> AnyRequest:  # noqa: ARG002 - as of the others
        """What is proposed."""
        return ExchangeRateRequest(
            target_programme=self.target_programme,
            issuer=self.issuer,
            starts_on=day_within(self.starts_on, "$.starts_on"),
            give=self.give,
            get=self.get,
            price_micros=micros(self.price) or 0,
        )


ProposalSent = ExchangeRateSent | PeriodSent | AdjustmentSent | ReserveSent | LimitSent | AccountSent


class DecisionSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is decided, or a step taken."""

    reason: ShortText


class ProposalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A change that one person proposed, and what became of it."""

    id: str
    programme: str
    operation: Operation
    request: msgspec.Raw
    reason: str
    state: str
    proposed_by: str
    proposed_at: str
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None
    outcome: str | None


class ProposalList(msgspec.Struct, frozen=True):
    """The latest proposals, the last first."""

    items: list[ProposalAnswer]
    next_cursor: str | None


def proposal_answer(proposal: Proposal, registry: Registry, *, shows_account: bool = False) -> ProposalAnswer:
    """A proposal as it is shown; what is kept for a repeated request shows an account's last digits only."""
    request = request_of(proposal)
    if not shows_account and isinstance(request, AccountRequest):
        request = replace(request, account=masked(request.account))
    if not shows_account and isinstance(request, TermsRequest) and request.beneficiary is not None:
        hidden = replace(request.beneficiary, account=masked(request.beneficiary.account))
        request = replace(request, beneficiary=hidden)
    return ProposalAnswer(
        id=str(proposal.proposal),
        programme=registry.programme_numbered(proposal.programme).code,
        operation=proposal.operation,
        request=msgspec.Raw(msgspec.json.encode(request)),
        reason=proposal.reason,
        state=proposal.state,
        proposed_by=proposal.proposed_by,
        proposed_at=rfc3339(proposal.proposed_at),
        decided_by=proposal.decided_by,
        decided_at=None if proposal.decided_at is None else rfc3339(proposal.decided_at),
        decision_reason=proposal.decision_reason,
        outcome=proposal.outcome,
    )


def proposal_id(text: str) -> UUID | None:
    """The id that an address names; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
