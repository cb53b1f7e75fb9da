"""Exchanges of points between programmes, and the rates at which they are made."""

from datetime import date

import msgspec

from api.schemas.contracts import price
from api.schemas.fields import Code, MemberName, Points, ShortText
from ledger.rules.commands import Exchange
from ledger.rules.programmes import ExchangeRate, Registry


class ExchangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Points of a member's ``programme`` for points of another, ``target_programme``, at the rate of the day.

    The member is the one whose token the request carries, and may be left out.
    """

    programme: Code
    target_programme: Code
    points: Points
    member: MemberName | None = None
    reference: ShortText | None = None

    def exchange_of(self, member: str) -> Exchange:
        """The command it asks for, of a member by any of its names."""
        return Exchange(
            programme=self.programme,
            target_programme=self.target_programme,
            member=member,
            points=self.points,
            reference=self.reference,
        )


class ExchangeQuote(ExchangeRequest, frozen=True, tag_field="operation", tag="exchange", kw_only=True):
    """What an exchange would do."""


class ExchangeRateAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From ``starts_on`` on, ``give`` points of the programme become ``get`` of ``target_programme``.

    Where ``get`` is 0 the exchange ends. ``price`` is what the issuer has for each point that it issues, in the
    programme's currency: for finance and the issuer.
    """

    target_programme: str
    issuer: str
    starts_on: date
    give: int
    get: int
    price: str | None = None


class ExchangeRates(msgspec.Struct, frozen=True):
    """All rates of a programme, by the programme whose points are got and the day."""

    items: list[ExchangeRateAnswer]


def rate_answer(rate: ExchangeRate, registry: Registry, *, shows_price: bool) -> ExchangeRateAnswer:
    """A rate as it is shown."""
    return ExchangeRateAnswer(
        target_programme=registry.programme_numbered(rate.target).code,
        issuer=registry.partners[rate.issuer].code,
        starts_on=rate.starts_on,
        give=rate.give,
        get=rate.get,
        price=price(rate.price_micros) if shows_price else None,
    )
