"""Contracts, proposals and quotes over HTTP: what two persons agree on before anything is settled."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.answers import rfc3339
from api.schemas.fields import Code, Moment, MoneySent, ShortText
from ledger.rules.programmes import Registry
from settlement.proposals import TermsRequest, request_of
from settlement.rounding import MICROS
from settlement.set_up import Approving
from settlement.store.proposal_rows import Operation, Proposal
from settlement.store.term_rows import DatedTerms
from settlement.terms import Beneficiary, Breakage, ContractTerms, Cycle, DebitRest

Price = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?(?!\n)$",
        description="Decimal string with at most six decimal places",
    ),
]
"""A price in the programme's currency per point, or a rate."""

Business = Annotated[int, Meta(ge=0, le=250, description="Business days, 0 to 250")]


class BeneficiarySent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a party is paid."""

    name: Annotated[str, Meta(min_length=1, max_length=70)]
    account: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{4,34}(?!\n)$", description="4 to 34 letters and digits")]
    clearing_code: Annotated[str, Meta(pattern=r"^[A-Z0-9]{4,35}(?!\n)$", description="of CNAPS 12 digits")]


class TermsSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A new version of a partner's contract. Prices are per point, rates of 1."""

    programme: Code
    starts_on: date
    reason: ShortText
    reserve: Price | None = None
    fee: Price = "0"
    reimbursement: Price | None = None
    commission: Price = "0"
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}(?!\n)$", description="ISO 4217 code")] | None = None
    cycle: Cycle = "daily"
    nets: bool = True
    debit_rest: DebitRest = "collect"
    credit_limit: MoneySent | None = None
    prefunding: MoneySent | None = None
    tax: Price = "0"
    attribution_fee: Price = "0"
    attribution_partner: Code | None = None
    fee_is_deferred: bool = False
    breakage: Breakage = "issuer"
    is_own_account: bool = False
    due_days: Business = 5
    beneficiary: BeneficiarySent | None = None

    def request(self, partner: str) -> TermsRequest:
        """What is proposed for a partner."""
        beneficiary = self.beneficiary
        return TermsRequest(
            partner=partner,
            starts_on=self.starts_on,
            reserve_micros=micros(self.reserve),
            fee_micros=micros(self.fee) or 0,
            reimbursement_micros=micros(self.reimbursement),
            commission_micros=micros(self.commission) or 0,
            currency=self.currency,
            cycle=self.cycle,
            nets=self.nets,
            debit_rest=self.debit_rest,
            credit_limit_minor=None if self.credit_limit is None else self.credit_limit.minor("credit_limit"),
            prefunding_minor=0 if self.prefunding is None else self.prefunding.minor("prefunding"),
            tax_micros=micros(self.tax) or 0,
            attribution_micros=micros(self.attribution_fee) or 0,
            attribution_partner=self.attribution_partner,
            fee_is_deferred=self.fee_is_deferred,
            breakage=self.breakage,
            is_own_account=self.is_own_account,
            due_days=self.due_days,
            beneficiary=None
            if beneficiary is None
            else Beneficiary(beneficiary.name, beneficiary.account, beneficiary.clearing_code),
        )


def micros(price: str | None) -> int | None:
    """A price or rate in millionths."""
    return None if price is None else int(Decimal(price) * MICROS)


def price(value: int | None) -> str | None:
    """Millionths as a decimal string, without zeros at its end beyond the second decimal place."""
    if value is None:
        return None
    whole, rest = divmod(value, MICROS)
    return f"{whole}.{f'{rest:06}'.rstrip('0').ljust(2, '0')}"


class TermsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a contract; the beneficiary's account shows its last digits only."""

    partner: str
    programme: str
    version: int
    starts_on: date
    reserve: str | None
    fee: str | None
    reimbursement: str | None
    commission: str | None
    currency: str
    cycle: Cycle
    nets: bool
    debit_rest: DebitRest
    credit_limit_minor: int | None
    prefunding_minor: int
    tax: str | None
    attribution_fee: str | None
    attribution_partner: str | None
    fee_is_deferred: bool
    breakage: Breakage
    is_own_account: bool
    due_days: int
    beneficiary: Beneficiary | None
    proposed_by: str
    approved_by: str
    approved_at: str
    reason: str


class TermsHistory(msgspec.Struct, frozen=True):
    """All versions of a contract, the oldest first."""

    items: list[TermsAnswer]


def terms_answer(dated: DatedTerms, registry: Registry) -> TermsAnswer:
    """A version as it is shown."""
    terms: ContractTerms = dated.terms
    attribution = terms.attribution_partner
    beneficiary = terms.beneficiary
    return TermsAnswer(
        partner=registry.partners[terms.partner].code,
        programme=registry.programme_numbered(terms.programme).code,
        version=terms.version,
        starts_on=terms.starts_on,
        reserve=price(terms.reserve_micros),
        fee=price(terms.fee_micros),
        reimbursement=price(terms.reimbursement_micros),
        commission=price(terms.commission_micros),
        currency=terms.currency,
        cycle=terms.cycle,
        nets=terms.nets,
        debit_rest=terms.debit_rest,
        credit_limit_minor=terms.credit_limit_minor,
        prefunding_minor=terms.prefunding_minor,
        tax=price(terms.tax_micros),
        attribution_fee=price(terms.attribution_micros),
        attribution_partner=None if attribution is None else registry.partners[attribution].code,
        fee_is_deferred=terms.fee_is_deferred,
        breakage=terms.breakage,
        is_own_account=terms.is_own_account,
        due_days=terms.due_days,
        beneficiary=None
        if beneficiary is None
        else Beneficiary(beneficiary.name, f"****{beneficiary.account[-4:]}", beneficiary.clearing_code),
        proposed_by=dated.proposed_by,
        approved_by=dated.approved_by,
        approved_at=rfc3339(dated.approved_at),
        reason=dated.reason,
    )


class _ProposalSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="operation"):
    programme: Code
    reason: ShortText


class AdjustmentSent(_ProposalSent, frozen=True, tag="adjustment"):
    """Money for a party at the operator's cost, or taken back from it; `about` names what it corrects."""

    party: Code
    amount: MoneySent
    direction: Literal["give", "take"]
    about: ShortText


class ReserveSent(_ProposalSent, frozen=True, tag="reserve"):
    """Money into the reserve's account, or out of it."""

    amount: MoneySent
    direction: Literal["fund", "release"]


class LimitSent(_ProposalSent, frozen=True, tag="limit"):
    """How much a batch may pay out that a role approves."""

    role: Approving
    amount: MoneySent


class AccountSent(_ProposalSent, frozen=True, tag="account"):
    """An account of ours, that parties of a currency are paid from and pay to."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}(?!\n)$", description="ISO 4217 code")]
    beneficiary: BeneficiarySent


ProposalSent = AdjustmentSent | ReserveSent | LimitSent | AccountSent


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


def proposal_answer(proposal: Proposal, registry: Registry) -> ProposalAnswer:
    """A proposal as it is shown; a beneficiary's account shows its last digits only."""
    request = request_of(proposal)
    shown = msgspec.to_builtins(request)
    if isinstance(request, TermsRequest) and request.beneficiary is not None:
        shown["beneficiary"]["account"] = f"****{request.beneficiary.account[-4:]}"
    return ProposalAnswer(
        id=str(proposal.proposal),
        programme=registry.programme_numbered(proposal.programme).code,
        operation=proposal.operation,
        request=msgspec.Raw(msgspec.json.encode(shown)),
        reason=proposal.reason,
        state=proposal.state,
        proposed_by=proposal.proposed_by,
        proposed_at=rfc3339(proposal.proposed_at),
        decided_by=proposal.decided_by,
        decided_at=None if proposal.decided_at is None else rfc3339(proposal.decided_at),
        decision_reason=proposal.decision_reason,
        outcome=proposal.outcome,
    )


class QuoteSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rate: so much of the foreign currency for one of the programme's."""

    programme: Code
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}(?!\n)$", description="ISO 4217 code")]
    rate: Annotated[
        str,
        Meta(
            pattern=r"^(0|[1-9][0-9]{0,6})(\.[0-9]{1,8})?(?!\n)$",
            description="Decimal string with at most eight decimal places",
        ),
    ]
    valid_from: Moment
    expires_at: Moment
    source: ShortText


def proposal_id(text: str) -> UUID | None:
    """The id that an address names; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
