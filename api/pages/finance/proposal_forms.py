"""The forms by which changes are proposed: their fields, and what is typed in them as the API would be sent it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

from api.schemas.contracts import TermsSent, price
from api.schemas.proposals import (
    AccountSent,
    AdjustmentSent,
    ExchangeRateSent,
    LimitSent,
    PeriodSent,
    ReserveSent,
)
from ledger.rules.money import from_minor
from ledger.rules.programmes import Programme, Registry
from settlement.proposals import AnyRequest
from settlement.rounding import MICROS
from settlement.store.proposal_rows import Operation
from settlement.terms import ContractTerms

Kind = Literal["text", "day", "partner", "programme", "choice", "price", "percent", "amount", "number"]
Sent = TermsSent | AdjustmentSent | ReserveSent | LimitSent | AccountSent | PeriodSent | ExchangeRateSent

YES, NO = "true", "false"
LONGEST = {"price": 14, "percent": 9, "amount": 24, "number": 7}


class FormField(msgspec.Struct, frozen=True):
    """A question of a form; ``choices`` are what can be chosen, ``part`` the heading it stands under."""

    name: str
    kind: Kind = "text"
    is_required: bool = False
    choices: tuple[str, ...] = ()
    usual: str = ""
    part: str = ""


_BENEFICIARY = ("name", "account", "clearing_code")
_PAID_AT = tuple(FormField(name, is_required=True) for name in _BENEFICIARY)
_YES_NO = (YES, NO)

FORMS: Mapping[Operation, tuple[FormField, ...]] = {
    "terms": (
        FormField("starts_on", "day", is_required=True),
        FormField("reserve", "price", part="issuer"),
        FormField("fee", "price"),
        FormField("fee_is_deferred", "choice", choices=_YES_NO, usual=NO),
        FormField("credit_limit", "amount"),
        FormField("prefunding", "amount"),
        FormField("breakage", "choice", choices=("issuer", "operator"), usual="issuer"),
        FormField("is_own_account", "choice", choices=_YES_NO, usual=NO),
        FormField("reimbursement", "price", part="acceptor"),
        FormField("commission", "percent"),
        FormField("attribution_fee", "percent"),
        FormField("attribution_partner", "partner"),
        FormField("currency", part="paying"),
        FormField("cycle", "choice", choices=("daily", "weekly", "monthly"), usual="daily"),
        FormField("nets", "choice", choices=_YES_NO, usual=YES),
        FormField("debit_rest", "choice", choices=("collect", "carry"), usual="collect"),
        FormField("tax", "percent"),
        FormField("due_days", "number", usual="5"),
        FormField("name", part="beneficiary"),
        FormField("account"),
        FormField("clearing_code"),
    ),
    "adjustment": (
        FormField("party", "partner", is_required=True),
        FormField("direction", "choice", choices=("give", "take"), usual="give"),
        FormField("amount", "amount", is_required=True),
        FormField("about", is_required=True),
    ),
    "reserve": (
        FormField("direction", "choice", choices=("fund", "release"), usual="fund"),
        FormField("amount", "amount", is_required=True),
    ),
    "limit": (
        FormField("role", "choice", choices=("finance-approver", "manager"), usual="finance-approver"),
        FormField("amount", "amount", is_required=True),
    ),
    "account": (FormField("currency", is_required=True), *_PAID_AT),
    "exchange-rate": (
        FormField("target_programme", "programme", is_required=True),
        FormField("issuer", "partner", is_required=True),
        FormField("starts_on", "day", is_required=True),
        FormField("give", "number", is_required=True),
        FormField("get", "number", is_required=True),
        FormField("price", "price"),
    ),
    "period": (FormField("through", "day", is_required=True),),
}

_SENT: Mapping[Operation, type[Sent]] = {
    "terms": TermsSent,
    "adjustment": AdjustmentSent,
    "reserve": ReserveSent,
    "limit": LimitSent,
    "account": AccountSent,
    "exchange-rate": ExchangeRateSent,
    "period": PeriodSent,
}
_HUNDRED = Decimal(100)


class Typed(msgspec.Struct, frozen=True):
    """What was typed: the request as the API would be sent it, None where fields are ``wrong``."""

    sent: Sent | None
    wrong: frozenset[str]

    def request(self, partner: str, currency: str) -> AnyRequest:
        """What is proposed; ``currency`` is the programme's. Raises MalformedRequest for what the core refuses."""
        if isinstance(self.sent, TermsSent):
            return self.sent.request(partner, currency)
        if self.sent is None:
            msg = "a form with wrong fields asks for nothing"
            raise ValueError(msg)
        return self.sent.request(currency)


def read_typed(operation: Operation, fields: Mapping[str, str], programme: Programme) -> Typed:
    """Read a form's fields into what the API would be sent, each field checked on its own."""
    kind = _SENT[operation]
    document = _document(operation, fields, programme)
    wrong = set()
    for field in msgspec.structs.fields(kind):
        if field.name not in document:
            wrong |= {field.name} if field.required else set()
            continue
        try:
            msgspec.convert(document[field.name], field.type, strict=False)
        except msgspec.ValidationError as error:
            wrong |= _wrong_parts(field.name, error)
    if operation == "account" and "beneficiary" in wrong:
        wrong = (wrong - {"beneficiary"}) | set(_BENEFICIARY)
    return Typed(None if wrong else msgspec.convert(document, kind, strict=False), frozenset(wrong))


def filled_in(terms: ContractTerms | None, registry: Registry, programme: Programme, starts_on: date) -> dict[str, str]:
    """A form of new terms as it is first shown: what holds now, from a later day on."""
    if terms is None:
        return {"starts_on": starts_on.isoformat()}
    attribution = terms.attribution_partner
    limit_minor = terms.credit_limit_minor
    own = programme.currency
    filled = {
        "starts_on": starts_on.isoformat(),
        "reserve": price(terms.reserve_micros) or "",
        "fee": price(terms.fee_micros) or "",
        "fee_is_deferred": YES if terms.fee_is_deferred else NO,
        "credit_limit": "" if limit_minor is None else from_minor(limit_minor, own),
        "prefunding": from_minor(terms.prefunding_minor, own) if terms.prefunding_minor else "",
        "breakage": terms.breakage,
        "is_own_account": YES if terms.is_own_account else NO,
        "reimbursement": price(terms.reimbursement_micros) or "",
        "commission": percent(terms.commission_micros),
        "attribution_fee": percent(terms.attribution_micros),
        "attribution_partner": "" if attribution is None else registry.partners[attribution].code,
        "currency": "" if terms.currency == own else terms.currency,
        "cycle": terms.cycle,
        "nets": YES if terms.nets else NO,
        "debit_rest": terms.debit_rest,
        "tax": percent(terms.tax_micros),
        "due_days": str(terms.due_days),
    }
    if terms.beneficiary is not None:
        filled |= {name: getattr(terms.beneficiary, name) for name in _BENEFICIARY}
    return filled


def percent(micros: int) -> str:
    """A rate in millionths as a percentage without zeros at its end: 25000 is 2.5."""
    whole, rest = divmod(micros, MICROS // 100)
    decimals = f"{rest:04}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def _document(operation: Operation, fields: Mapping[str, str], programme: Programme) -> dict[str, object]:
    """The fields that hold something, as the API has them: amounts with currency, rates of 1, an account whole."""
    document: dict[str, object] = {"programme": programme.code, "reason": fields.get("reason", "").strip()}
    account: dict[str, str] = {}
    for field in FORMS[operation]:
        text = fields.get(field.name, "").strip()
        if not text:
            continue
        if field.name in _BENEFICIARY:
            account[field.name] = text.replace(" ", "") if field.name == "account" else text
        elif field.kind == "amount":
            document[field.name] = {"currency": programme.currency, "amount": text.replace(",", "")}
        elif field.kind == "percent":
            document[field.name] = _rate(text)
        else:
            document[field.name] = text
    if account:
        document["beneficiary"] = account
    return document


def _rate(text: str) -> str:
    """A percentage as a rate of 1; what is none stays as it is, and is refused as a rate."""
    digits = text.removesuffix("%").strip()
    if not (digits.isascii() and digits.replace(".", "", 1).isdigit()):
        return "?"
    try:
        return format((Decimal(digits) / _HUNDRED).normalize(), "f")
    except InvalidOperation:
        return "?"


def _wrong_parts(name: str, error: msgspec.ValidationError) -> set[str]:
    """The form's fields that a refused one stands for: of an account, the one that is refused or missing."""
    if name != "beneficiary":
        return {name}
    parts = {part for part in _BENEFICIARY if f"$.{part}`" in str(error) or f"`{part}`" in str(error)}
    return parts or set(_BENEFICIARY)
