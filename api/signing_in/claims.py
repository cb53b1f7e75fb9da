"""Who a token says somebody is: the claims of the identity provider that give a role here.

``citypoints_roles`` lists what the person is: ``citizen``, ``merchant``, or roles of staff. A citizen's token
names the member's id in ``citypoints_member``, a merchant's the partner's code in ``citypoints_partner``. A name
or an address in the token is not looked at.
"""

from collections.abc import Mapping
from typing import get_args
from uuid import UUID

import msgspec

from api.signing_in.failures import SignInFailed
from ledger.store.credentials import StaffRole
from ledger.store.sessions import SessionKind

ROLES, MEMBER, PARTNER = "citypoints_roles", "citypoints_member", "citypoints_partner"
LONGEST_SUBJECT = 255

_STAFF_ROLES: tuple[StaffRole, ...] = get_args(StaffRole)


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """What a token claims: the kind of session that it is good for, and whose."""

    kind: SessionKind
    subject: str
    member: str | None = None
    partner: str | None = None
    roles: tuple[StaffRole, ...] = ()


def claimed(claims: Mapping[str, object], wanted: SessionKind | None) -> Claimed:
    """Read who somebody is: as ``wanted`` where they are several, staff before merchant before citizen.

    Raises SignInFailed for a token that gives no role here, or not what its role needs.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT or "\0" in subject:
        raise SignInFailed("token-refused", "sub is missing or no text of 1 to 255 characters")
    listed = claims.get(ROLES)
    named = [role for role in listed if isinstance(role, str)] if isinstance(listed, list) else []
    staff = tuple(role for role in _STAFF_ROLES if role in named)
    kinds: list[SessionKind] = ["staff"] if staff else []
    if "merchant" in named:
        kinds.append("merchant")
    if "citizen" in named:
        kinds.append("citizen")
    if not kinds:
        raise SignInFailed("no-role", f"{ROLES} lists no role of this service")
    kind = wanted if wanted in kinds else kinds[0]
    if kind == "citizen":
        return Claimed(kind=kind, subject=subject, member=_member(claims.get(MEMBER)))
    if kind == "merchant":
        partner = claims.get(PARTNER)
        if not isinstance(partner, str) or not partner:
            raise SignInFailed("no-partner", f"{PARTNER} is missing")
        return Claimed(kind=kind, subject=subject, partner=partner)
    return Claimed(kind=kind, subject=subject, roles=staff)


def _member(claim: object) -> str:
    if not isinstance(claim, str):
        raise SignInFailed("no-member", f"{MEMBER} is missing")
    try:
        return str(UUID(claim))
    except ValueError:
        raise SignInFailed("no-member", f"{MEMBER} is no member's id") from None
