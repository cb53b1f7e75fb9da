"""Consents: for which purposes a member's data may be used, and when a guardian must have agreed first.

A consent is for one purpose, has a date and can be revoked. Most purposes concern the whole ledger; the
others let one partner do something, and each partner needs its own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

PurposeName = Literal["balance", "offers", "health", "cross-border", "guardian"]

BALANCE: Final = "balance"
GUARDIAN: Final = "guardian"

YEARS_OF_A_CHILD = 14


class Purpose(msgspec.Struct, frozen=True):
    """One purpose: what a consent to it allows, and whether it allows that to one partner alone."""

    name: PurposeName
    allows: str
    is_for_partner: bool = False


PURPOSES: Mapping[PurposeName, Purpose] = MappingProxyType(
    {
        purpose.name: purpose
        for purpose in (
            Purpose(BALANCE, "The partner may read the member's balances without its token.", is_for_partner=True),
            Purpose("offers", "The member may be shown packages chosen for it."),
            Purpose("health", "Data of the scene health may be used beyond booking the points."),
            Purpose("cross-border", "The member's data may be handed to a partner abroad."),
            Purpose(GUARDIAN, "A guardian agrees to the other consents of a member under 14."),
        )
    }
)
"""Every purpose by its name, in the order in which they are documented."""


def may_be_under_14(birth_year: int | None, this_year: int) -> bool:
    """Whether a member may still be under 14; unknown without a year of birth, and then taken for no.

    Why the whole year of the 14th birthday counts: the vault knows no day of birth, and a child's
    protection must not end before the child is 14.
    """
    return birth_year is not None and this_year - birth_year <= YEARS_OF_A_CHILD
