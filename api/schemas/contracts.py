"""Contract terms and quotes over HTTP."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from api.answers import rfc3339
from api.schemas.fields import Code, Moment, MoneySent, ShortText, day_within, instant_of, refuse
from ledger.rules.money import minor_places
from ledger.rules.programmes import Programme, Registry
from settlement.proposals import TermsRequest
from settlement.rounding import MICROS
from settlement.store.term_rows import DatedTerms, Quote
from settlement.terms import Beneficiary, Breakage, ContractTerms, Cycle, DebitRest

RATE = 100_000_000
"""Quotes are kept in hundred-millionths."""

Price = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?(?!\n)$",
        description="Decimal string with at most six decimal places",
    ),
]
"""A price in the programme's currency per point."""

Rate = Annotated[
    str,
    Meta(
        pattern=r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)(?!\n)$",
        description="Decimal string from 0 to 1 with at most six decimal places",
    ),
]

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}(?!\n)$", description="ISO 4217 code")]

Business = Annotated[int, Meta(ge=0, le=250, description="Business days, 0 to 250")]


class BeneficiarySent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a party is paid."""

    name: Annotated[
        str,
        Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,70}(?!\n)$", description="1 to 70 characters, no control characters"),
    ]
    account: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{4,34}(?!\n)$", description="4 to 34 letters and digits")]
    clearing_code: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z0-9]{3,12}(?!\n)$",
            description="For CNY a CNAPS code of 12 digits, for THB 3 digits or a BIC, for other currencies a BIC",
        ),
    ]


class TermsSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A new version of a partner's contract. Prices are per point, rates of 1."""

    programme: Code
    starts_on: date
    reason: ShortText
    reserve: Price | None = None
    fee: Price = "0"
    reimbursement: Price | None = None
    commission: Rate = "0"
    currency: Currency | None = None
    cycle: Cycle = "daily"
    nets: bool = True
    debit_rest: DebitRest = "collect"
    credit_limit: MoneySent | None = None
    prefunding: MoneySent | None = None
    tax: Rate = "0"
    attribution_fee: Rate = "0"
    attribution_partner: Code | None = None
    fee_is_deferred: bool = False
    breakage: Breakage = "issuer"
    is_own_account: bool = False
    due_days: Business = 5
    beneficiary: BeneficiarySent | None = None

    def request(self, partner: str, own_currency: str) -> TermsRequest:
        """What is proposed for a partner; raises MalformedRequest for an amount not in the programme's currency."""
        beneficiary = self.beneficiary
        return TermsRequest(
            partner=partner,
            starts_on=day_within(self.starts_on, "$.starts_on"),
            reserve_micros=micros(self.reserve),
            fee_micros=micros(self.fee) or 0,
            reimbursement_micros=micros(self.reimbursement),
            commission_micros=micros(self.commission) or 0,
            currency=self.currency,
            cycle=self.cycle,
            nets=self.nets,
            debit_rest=self.debit_rest,
            credit_limit_minor=minor_in(self.credit_limit, "credit_limit", own_currency),
            prefunding_minor=minor_in(self.prefunding, "prefunding", own_currency) or 0,
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


def minor_in(amount: MoneySent | None, field: str, currency: str) -> int | None:
    """An amount in minor units; raises MalformedRequest for one in another currency than the programme's."""
    if amount is None:
        return None
    if amount.currency != currency:
        refuse(f"$.{field}.currency", amount.currency, f"{currency}, the programme's currency")
    return amount.minor(f"$.{field}")


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
    """A version of a contract.

    The beneficiary's account is whole for finance and for the party itself, else its last digits; the partner is
    not told who at the operator's decided.
    """

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
    proposed_by: str | None
    approved_by: str | None
    approved_at: str
    reason: str | None


class TermsHistory(msgspec.Struct, frozen=True):
    """All versions of a contract, the oldest first."""

    items: list[TermsAnswer]


def terms_answer(
    dated: DatedTerms, registry: Registry, *, shows_account: bool = False, shows_people: bool = True
) -> TermsAnswer:
    """A version as it is shown."""
    terms: ContractTerms = dated.terms
    attribution = terms.attribution_partner
    beneficiary = terms.beneficiary
    if beneficiary is not None and not shows_account:
        beneficiary = replace(beneficiary, account=masked(beneficiary.account))
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
        beneficiary=beneficiary,
        proposed_by=dated.proposed_by if shows_people else None,
        approved_by=dated.approved_by if shows_people else None,
        approved_at=rfc3339(dated.approved_at),
        reason=dated.reason if shows_people else None,
    )


def masked(account: str) -> str:
    """An account's number for those who need not know it."""
    return f"****{account[-4:]}"


class QuoteSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rate: so much of the foreign currency for one of the programme's."""

    programme: Code
    currency: Currency
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

    def quote(self, programme: Programme) -> Quote:
        """The rate as it is kept; raises MalformedRequest for one that can never be used."""
        valid_from, expires_at = (
            instant_of(self.valid_from, "$.valid_from"),
            instant_of(self.expires_at, "$.expires_at"),
        )
        if valid_from is None or expires_at is None or expires_at <= valid_from:
            refuse("$.expires_at", self.expires_at.isoformat(), "a time after valid_from")
        quote = int(Decimal(self.rate) * RATE)
        if quote == 0:
            refuse("$.rate", self.rate, "a rate above zero")
        minor_places(self.currency, "$.currency")
        if self.currency == programme.currency:
            refuse("$.currency", self.currency, "another currency than the programme's own")
        return Quote(
            programme=programme.number,
            currency=self.currency,
            quote=quote,
            valid_from=valid_from,
            expires_at=expires_at,
            source=self.source,
        )
