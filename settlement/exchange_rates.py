"""Rates of exchange between programmes, as two persons agree on them: what becomes what, who issues it, at which price.

The source of a rate is the contract between the operator and the partner that issues in the other programme: it is
paid for each point that it issues there.
"""

from datetime import date

import msgspec

from ledger.errors import ContractMissing, MalformedRequest, PartnerNotFound, ProgrammeNotFound, TermsInThePast
from ledger.posting.clearing import ClearingUnit
from ledger.rules.programmes import Programme
from ledger.store.exchange_rates import NewExchangeRate, add_exchange_rate
from settlement.store.term_rows import read_book

MOST_POINTS = 1_000_000
"""The most that one step of a rate takes or gives."""


class ExchangeRateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From a business day on, ``give`` points of the programme become ``get`` points of ``target_programme``.

    ``issuer`` issues them there and has ``price_micros`` (millionths of the programme's currency) for each; programme
    and partner by their codes. A rate that gets nothing, at no price, ends the exchange.
    """

    target_programme: str
    issuer: str
    starts_on: date
    give: int
    get: int
    price_micros: int


async def new_exchange_rate(unit: ClearingUnit, programme: Programme, request: ExchangeRateRequest) -> NewExchangeRate:
    """The rate that a request makes.

    Raises ProgrammeNotFound, PartnerNotFound, ContractMissing where the issuer has no contract by which it is paid,
    TermsInThePast for a day that has begun or was agreed on, and MalformedRequest.
    """
    registry = unit.registry
    target, issuer = registry.programmes.get(request.target_programme), registry.partner_coded(request.issuer)
    if target is None:
        raise ProgrammeNotFound("No programme has this code.", programme=request.target_programme)
    if issuer is None:
        raise PartnerNotFound("No partner has this code.", partner=request.issuer)
    _refuse_unfit(request, programme, target, may_issue=issuer.number in target.issuers)
    today = programme.business_day(unit.now)
    if request.starts_on < today:
        raise _too_early(request, f"the day {today} has begun; a rate starts today or later", today)
    last = registry.rates_between(programme.number, target.number)[-1:]
    if last and request.starts_on <= last[0].starts_on:
        agreed = last[0].starts_on
        raise _too_early(request, f"a rate starts on {agreed}; the next one starts later", agreed)
    if not (await read_book(unit.connection, programme.number)).versions(issuer.number):
        text = f"Partner {issuer.code} has no contract for programme {programme.code}, by which it would be paid."
        raise ContractMissing(text, partner=issuer.code, programme=programme.code, side="acceptor")
    return NewExchangeRate(
        source=programme.number,
        target=target.number,
        issuer=issuer.number,
        starts_on=request.starts_on,
        give=request.give,
        get=request.get,
        price_micros=request.price_micros,
    )


async def set_exchange_rate(unit: ClearingUnit, programme: Programme, request: ExchangeRateRequest) -> str:
    """Let an approved rate hold; returns what came of it, raises as ``new_exchange_rate``."""
    number = await add_exchange_rate(unit.connection, await new_exchange_rate(unit, programme, request))
    return f"rate {number}"


def _refuse_unfit(request: ExchangeRateRequest, programme: Programme, target: Programme, *, may_issue: bool) -> None:
    if target.number == programme.number:
        raise _malformed("$.target_programme", request.target_programme, "another programme")
    if not may_issue:
        raise _malformed("$.issuer", request.issuer, f"a partner that may issue points of {target.code}")
    if not 1 <= request.give <= MOST_POINTS:
        raise _malformed("$.give", str(request.give), f"1 to {MOST_POINTS} points")
    if not 0 <= request.get <= MOST_POINTS:
        raise _malformed("$.get", str(request.get), f"0 to {MOST_POINTS} points")
    if request.price_micros and not request.get:
        raise _malformed("$.price", "a price of no points", "0 where the exchange ends")


def _malformed(field: str, got: str, wanted: str) -> MalformedRequest:
    return MalformedRequest(f"{field} is {got}; wanted is {wanted}.", field=field, got=got, wanted=wanted)


def _too_early(request: ExchangeRateRequest, why: str, after: date) -> TermsInThePast:
    starts_on = request.starts_on.isoformat()
    return TermsInThePast(f"starts_on is {starts_on}, but {why}.", got=starts_on, after=after.isoformat())
