"""The kinds of fields that requests share, and how what they hold becomes the ledger's values.

A pattern ends by refusing a line break, since ``$`` alone lets one at the end pass.
"""

from datetime import date, datetime
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta

from api.malformed_requests import Fault
from ledger.errors import MalformedRequest
from ledger.rules.business_day import to_instant
from ledger.rules.money import to_minor

FIRST_YEAR, LAST_YEAR = 2000, 2999
LARGEST_INTEGER = (1 << 63) - 1

_NO_CONTROLS = r"[^\x00-\x1f\x7f-\x9f]"

Code = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}(?!\n)$",
        description="1 to 32 letters, digits, dots, hyphens and underscores",
    ),
]
"""The code of a programme or partner."""

ShortText = Annotated[
    str, Meta(pattern=rf"^{_NO_CONTROLS}{{1,200}}(?!\n)$", description="1 to 200 characters, no control characters")
]

MemberName = Annotated[
    str,
    Meta(
        pattern=rf"^{_NO_CONTROLS}{{1,205}}(?!\n)$",
        description=(
            "A member's id, `ref:` with your own reference, or `card:` with a card number; of an earning, redemption "
            "or hold also `code:` with the digits of the code that the member shows"
        ),
    ),
]

Outlet = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._-]{1,32}(?!\n)$",
        description="Your own name of the outlet: 1 to 32 letters, digits, dots, hyphens and underscores",
    ),
]

Metadata = Annotated[
    dict[Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,40}(?!\n)$")], ShortText],
    Meta(max_length=16, description="Up to 16 texts of your own, by names of 1 to 40 letters, digits, `._-`"),
]

ItemKey = Annotated[
    str,
    Meta(pattern=r"^[!-~]{1,255}(?!\n)$", description="The item's idempotency key: 1 to 255 visible ASCII characters"),
]

Points = Annotated[int, Meta(ge=1, le=LARGEST_INTEGER, description="Whole points, above zero")]

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset from UTC, years 2000 to 2999")]

Scene = Literal[
    "clothing",
    "food",
    "housing",
    "transport",
    "leisure",
    "government",
    "banking",
    "health",
    "education",
    "charity",
]
Channel = Literal["app", "web", "pos", "branch", "phone", "file"]


class NoBody(msgspec.Struct, frozen=True):
    """What a request without a body says."""


class MoneySent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount of money as a decimal string, never a float: ``{"currency": "CNY", "amount": "90.00"}``."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}(?!\n)$", description="ISO 4217 code")]
    amount: Annotated[
        str,
        Meta(
            pattern=r"^(0|[1-9][0-9]{0,18})(\.[0-9]{1,4})?(?!\n)$",
            description="Decimal string with at most the currency's decimal places",
        ),
    ]

    def minor(self, field: str) -> int:
        """The amount in minor units; raises MalformedRequest that names ``field``."""
        return to_minor(self.amount, self.currency, f"{field}.amount")


def refuse(field: str, got: str, wanted: str, where: str = "body") -> NoReturn:
    """Raise MalformedRequest in the words of every other malformed request."""
    fault = Fault(field, where, got, wanted)
    raise MalformedRequest(fault.detail, **fault.facts)


def instant_of(moment: datetime | None, field: str, where: str = "body") -> int | None:
    """A time sent, in microseconds since 1970 UTC; raises MalformedRequest outside years 2000 to 2999."""
    if moment is None:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        refuse(field, f"the year {moment.year}", f"a year from {FIRST_YEAR} to {LAST_YEAR}", where)
    return to_instant(moment)


def day_within(day: date, field: str, where: str = "body") -> date:
    """A day sent; raises MalformedRequest outside years 2000 to 2999, where calendars and cut-offs are reckoned."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        refuse(field, f"the year {day.year}", f"a year from {FIRST_YEAR} to {LAST_YEAR}", where)
    return day


def in_order(metadata: dict[str, str] | None) -> dict[str, str] | None:
    """Metadata sorted by name: a JSON object has no order, so its order must not make another request."""
    return dict(sorted(metadata.items())) if metadata else None
