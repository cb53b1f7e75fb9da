"""What a proposal changes, line by line: as it is, and as it would be."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from psycopg import AsyncConnection

from api.pages import formats
from api.pages.finance.finance_view import FinanceView
from api.pages.finance.proposal_forms import NO, YES, percent
from api.pages.finance.proposal_texts import PROPOSALS
from api.pages.texts import in_language
from api.schemas.contracts import masked, price
from ledger.rules.money_postings import OPERATOR, MoneyAccount
from settlement.exchange_rates import ExchangeRateRequest
from settlement.proposals import AdjustmentRequest, AnyRequest, PeriodRequest, ReserveRequest, TermsRequest
from settlement.set_up import AccountRequest, LimitRequest, read_accounts, read_limits
from settlement.store.batch_rows import read_balances
from settlement.store.term_rows import read_book
from settlement.terms import Beneficiary, ContractTerms

_A = MoneyAccount
NOTHING = "—"
OF_THE_MOMENT = frozenset({"field_payable", "field_goodwill", "field_reserve_bank", "field_settlement_bank"})
"""Rows of balances: what they would be is true only until it is decided."""


class ChangeRow(msgspec.Struct, frozen=True):
    """One line of a change: the key of its name, what holds and what would."""

    name: str
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        """Whether it would be another."""
        return self.before != self.after


async def change_rows(
    view: FinanceView, connection: AsyncConnection, request: AnyRequest, *, shows_account: bool
) -> list[ChangeRow]:
    """What would be another if the request were approved now; accounts show their last digits to who need not know."""
    change = _Change(view, connection, shows_account)
    return await _ROWS[type(request)](change, request)


def subject_of(view: FinanceView, request: AnyRequest) -> str:
    """What a proposal is about, in a few words: a partner, an amount, a day."""
    change = _Change(view, None, shows_account=False)
    if isinstance(request, TermsRequest):
        return change.partner(request.partner)
    if isinstance(request, AdjustmentRequest):
        return f"{change.partner(request.party)}, {change.money(request.amount_minor)}"
    if isinstance(request, ReserveRequest):
        return change.money(request.amount_minor)
    if isinstance(request, LimitRequest):
        return f"{change.word(f'role_{request.role}')}, {change.money(request.amount_minor)}"
    if isinstance(request, PeriodRequest):
        return formats.day(request.through, view.language)
    if isinstance(request, ExchangeRateRequest):
        return request.target_programme
    return request.currency


class _Change:
    """What values are read as, and the rows of each kind of change."""

    def __init__(self, view: FinanceView, connection: AsyncConnection | None, shows_account: bool) -> None:  # noqa: FBT001 - as callers name it
        self._view = view
        self._connection = connection
        self._shows_account = shows_account
        self._words = in_language(PROPOSALS, view.language)

    @property
    def connection(self) -> AsyncConnection:
        assert self._connection is not None  # noqa: S101 - subjects alone need none
        return self._connection

    def word(self, key: str) -> str:
        return self._words[key]

    def partner(self, code: str) -> str:
        found = self._view.registry.partner_coded(code)
        return code if found is None or found.name == code else f"{found.name} ({code})"

    def money(self, minor: int | None) -> str:
        return NOTHING if minor is None else formats.money(minor, self._view.programme.currency, self._view.language)

    def price(self, micros: int | None) -> str:
        return NOTHING if micros is None else f"{price(micros)} {self._view.programme.currency}"

    def day(self, value: Any) -> str:  # noqa: ANN401 - a day or nothing
        return NOTHING if value is None else formats.day(value, self._view.language)

    def yes(self, value: bool) -> str:  # noqa: FBT001 - one value to be read
        return self.word(f"choice_{YES if value else NO}")

    async def terms(self, request: TermsRequest) -> list[ChangeRow]:
        number = self._view.programme.number
        partner = self._view.registry.partner_coded(request.partner)
        book = await read_book(self.connection, number)
        versions = [] if partner is None else book.versions(partner.number)
        earlier = [terms for terms in versions if terms.starts_on < request.starts_on]
        before = self._terms(earlier[-1]) if earlier else {}
        after = self._terms(request)
        return [ChangeRow(f"field_{name}", before.get(name, NOTHING), after[name]) for name in after]

    def _terms(self, terms: TermsRequest | ContractTerms) -> Mapping[str, str]:
        attribution = terms.attribution_partner
        if isinstance(attribution, int):
            attribution = self._view.registry.partners[attribution].code
        return {
            "starts_on": self.day(terms.starts_on),
            "reserve": self.price(terms.reserve_micros),
            "fee": self.price(terms.fee_micros),
            "fee_is_deferred": self.yes(terms.fee_is_deferred),
            "credit_limit": self.money(terms.credit_limit_minor),
            "prefunding": self.money(terms.prefunding_minor),
            "breakage": self.word(f"choice_{terms.breakage}"),
            "is_own_account": self.yes(terms.is_own_account),
            "reimbursement": self.price(terms.reimbursement_micros),
            "commission": f"{percent(terms.commission_micros)}%",
            "attribution_fee": f"{percent(terms.attribution_micros)}%",
            "attribution_partner": NOTHING if attribution is None else self.partner(attribution),
            "currency": terms.currency or self._view.programme.currency,
            "cycle": self.word(f"choice_{terms.cycle}"),
            "nets": self.yes(terms.nets),
            "debit_rest": self.word(f"choice_{terms.debit_rest}"),
            "tax": f"{percent(terms.tax_micros)}%",
            "due_days": str(terms.due_days),
            **self._account(terms.beneficiary),
        }

    def _account(self, beneficiary: Beneficiary | None) -> dict[str, str]:
        if beneficiary is None:
            return dict.fromkeys(("name", "account", "clearing_code"), NOTHING)
        number = beneficiary.account if self._shows_account else masked(beneficiary.account)
        return {"name": beneficiary.name, "account": number, "clearing_code": beneficiary.clearing_code}

    async def adjustment(self, request: AdjustmentRequest) -> list[ChangeRow]:
        partner = self._view.registry.partner_coded(request.party)
        party = OPERATOR if partner is None else partner.number
        payable = -await self._balance(_A.ACCEPTOR_PAYABLE, party)
        cost = await self._balance(_A.GOODWILL, OPERATOR)
        return [
            ChangeRow("field_payable", self.money(payable), self.money(payable + request.amount_minor)),
            ChangeRow("field_goodwill", self.money(cost), self.money(cost + request.amount_minor)),
            ChangeRow("field_about", request.about, request.about),
        ]

    async def reserve(self, request: ReserveRequest) -> list[ChangeRow]:
        reserve, bank = [await self._balance(account, OPERATOR) for account in (_A.RESERVE_BANK, _A.SETTLEMENT_BANK)]
        return [
            ChangeRow("field_reserve_bank", self.money(reserve), self.money(reserve + request.amount_minor)),
            ChangeRow("field_settlement_bank", self.money(bank), self.money(bank - request.amount_minor)),
        ]

    async def limit(self, request: LimitRequest) -> list[ChangeRow]:
        limits = await read_limits(self.connection, self._view.programme.number)
        role = self.word(f"role_{request.role}")
        return [
            ChangeRow("field_role", role, role),
            ChangeRow("field_limit", self.money(limits.get(request.role)), self.money(request.amount_minor)),
        ]

    async def account(self, request: AccountRequest) -> list[ChangeRow]:
        accounts = await read_accounts(self.connection, self._view.programme.number)
        known = accounts.get(request.currency)
        before = self._account(None if known is None else _paid_at(known))
        after = self._account(_paid_at(request))
        currency = ChangeRow("field_currency", request.currency, request.currency)
        return [currency, *(ChangeRow(f"field_{name}", before[name], after[name]) for name in after)]

    async def period(self, request: PeriodRequest) -> list[ChangeRow]:
        before = self._view.programme.closed_through
        return [ChangeRow("field_closed_through", self.day(before), self.day(request.through))]

    async def rate(self, request: ExchangeRateRequest) -> list[ChangeRow]:
        registry = self._view.registry
        target = registry.programmes.get(request.target_programme)
        known = [] if target is None else registry.rates_between(self._view.programme.number, target.number)
        last = known[-1] if known else None
        before = dict.fromkeys(("starts_on", "give", "get", "issuer", "price"), NOTHING)
        if last is not None:
            before = {
                "starts_on": self.day(last.starts_on),
                "give": formats.number(last.give),
                "get": formats.number(last.get),
                "issuer": self.partner(registry.partners[last.issuer].code),
                "price": self.price(last.price_micros),
            }
        after = {
            "starts_on": self.day(request.starts_on),
            "give": formats.number(request.give),
            "get": formats.number(request.get),
            "issuer": self.partner(request.issuer),
            "price": self.price(request.price_micros),
        }
        same = ChangeRow("field_target_programme", request.target_programme, request.target_programme)
        return [same, *(ChangeRow(f"field_{name}", before[name], after[name]) for name in after)]

    async def _balance(self, account: MoneyAccount, party: int) -> int:
        """Debits less credits in the programme's currency, in minor units."""
        balances = await read_balances(self.connection, self._view.programme.number)
        return balances.get((account, party, self._view.programme.currency), 0)


def _paid_at(request: AccountRequest) -> Beneficiary:
    return Beneficiary(request.name, request.account, request.clearing_code)


_ROWS: Mapping[type, Callable[[_Change, Any], Awaitable[list[ChangeRow]]]] = {
    TermsRequest: _Change.terms,
    AdjustmentRequest: _Change.adjustment,
    ReserveRequest: _Change.reserve,
    LimitRequest: _Change.limit,
    AccountRequest: _Change.account,
    PeriodRequest: _Change.period,
    ExchangeRateRequest: _Change.rate,
}
