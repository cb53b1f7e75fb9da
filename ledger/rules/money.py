"""Money at the boundary: decimal strings outside, whole minor units inside, never a float.

How many decimal places a currency has is ISO 4217's; units are never summed with each other.
"""

import re

from ledger.errors import MalformedRequest

_TWO_PLACES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA
MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR
RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_PLACES: dict[int, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: _TWO_PLACES,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

MINOR_PLACES: dict[str, int] = {code: places for places, codes in _PLACES.items() for code in codes.split()}
"""Decimal places of each currency, by its ISO 4217 code."""

LARGEST_MINOR = (1 << 63) - 1
"""The largest amount that the journal can hold, in minor units; the rules allow less."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_LONGEST_AMOUNT = 24
_SHOWN = 40


def minor_places(currency: str, field: str = "currency") -> int:
    """How many decimal places the currency has; raises MalformedRequest for an unknown code."""
    places = MINOR_PLACES.get(currency)
    if places is None:
        got = currency[:_SHOWN]
        wanted = "an ISO 4217 code in capitals, such as CNY"
        raise MalformedRequest(f"{field} is {got!r}; wanted is {wanted}.", field=field, got=got, wanted=wanted)
    return places


def to_minor(amount: str, currency: str, field: str = "amount") -> int:
    """Convert a decimal string, such as ``90.00``, to minor units of its currency.

    Digits only, at most the currency's decimal places, no sign, exponent or separators. Raises
    MalformedRequest that names ``field`` for anything else, and for an unknown currency.
    """
    places = minor_places(currency)
    match = _AMOUNT.fullmatch(amount) if len(amount) <= _LONGEST_AMOUNT else None
    decimals = (match[2] or "") if match is not None else ""
    if match is not None and len(decimals) <= places:
        minor = int(match[1] + decimals.ljust(places, "0"))
        if minor <= LARGEST_MINOR:
            return minor
    got = amount[:_SHOWN]
    wanted = f"a decimal string with at most {places} decimal places, up to {from_minor(LARGEST_MINOR, currency)}"
    raise MalformedRequest(f"{field} is {got!r}; wanted is {wanted}.", field=field, got=got, wanted=wanted)


def from_minor(minor: int, currency: str) -> str:
    """Write minor units as a decimal string with all of the currency's decimal places.

    Raises MalformedRequest for an unknown currency.
    """
    places = minor_places(currency)
    digits = str(abs(minor)).rjust(places + 1, "0")
    sign = "-" if minor < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"
