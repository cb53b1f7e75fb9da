"""Whose consent a request gives, to whom, and who says so."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection

from api.access import token_member_of
from api.authentication import MemberCaller, PartnerCaller
from api.requests import CityRequest
from api.schemas.consents import ConsentRequest
from api.schemas.fields import refuse
from api.wiring import wiring_of
from ledger.errors import Forbidden, MemberClosed, MemberNotFound, NotFound
from ledger.rules.consents import GUARDIAN, PURPOSES, PurposeName
from ledger.store.consents import Consent, Giver, find_consent, give_consent, revoke_consent
from ledger.store.member_selves import lock_member, read_selves
from ledger.store.members import Member


def giver_of(request: CityRequest) -> Giver:
    """Who tells the ledger of a consent."""
    if isinstance(request.user, PartnerCaller):
        return "partner"
    return "member" if isinstance(request.user, MemberCaller) else "staff"


def seen_by(request: CityRequest) -> int | None:
    """The partner whose consents alone the caller sees; None for who sees all of a member's."""
    return request.user.partner if isinstance(request.user, PartnerCaller) else None


async def partner_allowed(request: CityRequest, consent: ConsentRequest, field: str) -> int | None:
    """The partner that a consent allows something; None where its purpose concerns the whole ledger.

    ``field`` is where the consent's partner stands in the body. Raises MalformedRequest, NotFound for an
    unknown partner, and Forbidden for another partner's consent and for a member who acts as its guardian.
    """
    caller = request.user
    if consent.purpose == GUARDIAN and isinstance(caller, MemberCaller):
        raise Forbidden("A guardian's consent is told by a partner or by staff, not with the member's own token.")
    if not PURPOSES[consent.purpose].is_for_partner:
        if consent.partner is not None:
            refuse(field, "a partner", f"no such field: {consent.purpose} concerns the whole ledger")
        return None
    if consent.partner is None:
        if isinstance(caller, PartnerCaller):
            return caller.partner
        refuse(field, "nothing", f"the code of the partner that {consent.purpose} allows something")
    found = (await wiring_of(request).fresh_registry()).partner_coded(consent.partner)
    if isinstance(caller, PartnerCaller):
        if found is None or found.number != caller.partner:
            raise Forbidden("A partner tells of consents to itself alone.")
    elif found is None:
        raise NotFound("No partner has this code.")
    return found.number


async def asked_consents(
    request: CityRequest, consents: Sequence[ConsentRequest], field: str
) -> list[tuple[PurposeName, int | None]]:
    """The purposes that consents sent together are for, each with its partner; raises as ``partner_allowed``."""
    return [
        (consent.purpose, await partner_allowed(request, consent, f"{field}[{index}].partner"))
        for index, consent in enumerate(consents)
    ]


async def consent_of(
    connection: AsyncConnection, member: Member, purpose: PurposeName, partner: int | None, giver: Giver
) -> tuple[Consent, bool]:
    """Give a member's consent in a unit of work, or find the one that stands; True when it is new.

    Raises MemberClosed, and GuardianConsentNeeded for who may be under 14.
    """
    if await lock_member(connection, member) == "closed":
        raise MemberClosed("The member's account is closed.")
    public_ids = [one.public_id for one in await read_selves(connection, member)]
    return await give_consent(connection, public_ids, purpose, partner, giver)


async def end_consent_of(
    connection: AsyncConnection, member: Member, consent: str, revoker: Giver, *, seen_by: int | None
) -> Consent:
    """End a member's consent, by its id, in a unit of work; raises NotFound for one that ``seen_by`` may not see."""
    await lock_member(connection, member)
    public_ids = [one.public_id for one in await read_selves(connection, member)]
    try:
        consent_id = UUID(consent)
    except ValueError:
        raise NotFound("The member has no consent of this id that you may see.") from None
    given = await find_consent(connection, public_ids, consent_id, seen_by=seen_by)
    return await revoke_consent(connection, public_ids, given, revoker)


async def leave_of_member(request: CityRequest) -> Member | None:
    """The member whose token a partner shows beside its key; None where the caller needs none.

    Raises Forbidden for a partner without one, and Unauthenticated for one that is not good.
    """
    token_member = await token_member_of(request)
    if not isinstance(request.user, PartnerCaller):
        return None
    if token_member is None:
        raise Forbidden("A partner deals with a member's consents only with the member's token, in Member-Token.")
    return token_member


def refuse_other(found: Member, leave: Member | None) -> None:
    """Raise MemberNotFound where the token shown is another member's."""
    if leave is not None and found != leave:
        raise MemberNotFound("You know no member by this name.")
