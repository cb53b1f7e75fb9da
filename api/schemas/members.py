"""Members, their names, cards and tokens."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.schemas.consents import ConsentRequest
from api.schemas.fields import Code, ShortText

DEFAULT_TOKEN_SECONDS = 15 * 60
LONGEST_TOKEN_SECONDS = 24 * 60 * 60


MOST_CONSENTS = 16

Region = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._-]{1,32}(?!\n)$",
        description="Code of a region, such as an administrative division: 1 to 32 letters, digits, `._-`",
    ),
]

BirthYear = Annotated[int, Meta(ge=1900, le=2999, description="Year of birth, up to this year")]


class MemberRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A member to create, or to find again, under your own reference: never a phone or identity number.

    Region, year of birth and consents are kept of a new member only, apart from the journal.
    """

    reference: ShortText
    region: Region | None = None
    birth_year: BirthYear | None = None
    consents: Annotated[tuple[ConsentRequest, ...], Meta(max_length=MOST_CONSENTS)] = ()


class MemberAnswer(msgspec.Struct, frozen=True):
    """A member. ``card`` is its first card number, shown to the request that created it alone."""

    id: str
    status: str
    created_at: str
    card: str | None = None


class LinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Your own reference for an existing member. ``partner`` says whose it is where an operator links."""

    reference: ShortText
    partner: Code | None = None


class LinkAnswer(msgspec.Struct, frozen=True):
    """The member that the reference names now."""

    id: str


class CardRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new card; ``block_others`` makes every older card of the member unknown from now on."""

    block_others: bool = False


class CardAnswer(msgspec.Struct, frozen=True):
    """A member's new card number."""

    id: str
    card: str


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's token, good for 15 minutes where nothing else is asked."""

    lifetime_seconds: Annotated[int, Meta(ge=1, le=LONGEST_TOKEN_SECONDS)] = DEFAULT_TOKEN_SECONDS


class TokenAnswer(msgspec.Struct, frozen=True):
    """A member's token, shown once: null in a replay."""

    token: str | None
    expires_at: str
