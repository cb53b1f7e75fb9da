"""Who may call what, and whose member a request names.

Each route names one of the ``for_…`` as its ``before_request``: it runs before anything of the request is
read, so a caller without leave learns nothing about it. They are no Litestar guards, since for each of
those it copies the whole handler at every request.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from psycopg import AsyncConnection

from api.authentication import Caller, MemberCaller, PartnerCaller, StaffCaller
from api.requests import CityRequest
from api.wiring import wiring_of
from ledger.errors import Forbidden, MemberNotFound
from ledger.rules.consents import BALANCE
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.consents import allows
from ledger.store.member_selves import read_selves
from ledger.store.members import Member, find_members, name_digest

AnyRequest = Request[Any, Any, Any]

OPERATORS = frozenset({"operator"})
READERS = frozenset({"operator", "auditor", "support"})
"""Staff who may read members and transactions; all staff may read the set-up."""

CARERS = frozenset({"operator", "support"})
"""Staff who may act for a member who asks for it: consents, export, erasure."""


async def for_anyone(request: AnyRequest) -> None:
    """Let any good credential pass; raises Unauthenticated."""
    await _identify(request)


async def for_partners(request: AnyRequest) -> None:
    """Let partners pass; raises Unauthenticated and Forbidden."""
    if not isinstance(await _identify(request), PartnerCaller):
        raise Forbidden("Only a partner's key may do this.")


async def for_operators(request: AnyRequest) -> None:
    """Let staff with the role operator pass; raises Unauthenticated and Forbidden."""
    _refuse_other_staff(await _identify(request), OPERATORS)


async def for_staff_and_partners(request: AnyRequest) -> None:
    """Let all but members pass; raises Unauthenticated and Forbidden."""
    if isinstance(await _identify(request), MemberCaller):
        raise Forbidden("A member's token may not do this.")


async def for_readers(request: AnyRequest) -> None:
    """Let partners, members and the staff who may read points pass; raises Unauthenticated and Forbidden."""
    caller = await _identify(request)
    if isinstance(caller, StaffCaller):
        _refuse_other_staff(caller, READERS)


async def for_members_and_readers(request: AnyRequest) -> None:
    """Let members and the staff who may read points pass; raises Unauthenticated and Forbidden."""
    caller = await _identify(request)
    if not isinstance(caller, MemberCaller):
        _refuse_other_staff(caller, READERS)


async def for_members_and_partners(request: AnyRequest) -> None:
    """Let members and partners pass; raises Unauthenticated and Forbidden."""
    if isinstance(await _identify(request), StaffCaller):
        raise Forbidden("Only a partner's key or a member's token may do this.")


async def for_members(request: AnyRequest) -> None:
    """Let members pass; raises Unauthenticated and Forbidden."""
    if not isinstance(await _identify(request), MemberCaller):
        raise Forbidden("Only a member's own token may do this.")


async def for_all_staff(request: AnyRequest) -> None:
    """Let staff of any role pass; raises Unauthenticated and Forbidden."""
    if not isinstance(await _identify(request), StaffCaller):
        raise Forbidden("Only a staff key may do this.")


def for_roles(*roles: str, members: bool = False, partners: bool = False) -> Callable[[AnyRequest], Awaitable[None]]:
    """Let staff with one of the roles pass, and ``members`` or ``partners`` where they may do it for themselves.

    What it returns raises Unauthenticated and Forbidden.
    """
    permitted = frozenset(roles)

    async def check(request: AnyRequest) -> None:
        caller = await _identify(request)
        is_own = (members and isinstance(caller, MemberCaller)) or (partners and isinstance(caller, PartnerCaller))
        if not is_own:
            _refuse_other_staff(caller, permitted)

    return check


async def for_operators_and_partners(request: AnyRequest) -> None:
    """Let operators and partners pass; raises Unauthenticated and Forbidden."""
    caller = await _identify(request)
    if not isinstance(caller, PartnerCaller):
        _refuse_other_staff(caller, OPERATORS)


async def for_partners_and_readers(request: AnyRequest) -> None:
    """Let partners and the staff who may read points pass; raises Unauthenticated and Forbidden."""
    caller = await _identify(request)
    if not isinstance(caller, PartnerCaller):
        _refuse_other_staff(caller, READERS)


async def for_members_and_carers(request: AnyRequest) -> None:
    """Let members and the staff who act for them pass; raises Unauthenticated and Forbidden."""
    caller = await _identify(request)
    if not isinstance(caller, MemberCaller):
        _refuse_other_staff(caller, CARERS)


async def for_partners_members_and_carers(request: AnyRequest) -> None:
    """Let all but staff with other tasks pass; raises Unauthenticated and Forbidden."""
    caller = await _identify(request)
    if isinstance(caller, StaffCaller):
        _refuse_other_staff(caller, CARERS)


def partner_of(request: CityRequest) -> PartnerCaller:
    """The partner behind a request that ``for_partners`` let pass."""
    caller = request.user
    if not isinstance(caller, PartnerCaller):
        raise Forbidden("Only a partner's key may do this.")
    return caller


def feed_owner_of(request: CityRequest) -> int:
    """Whose events a partner or a staff person reads: the partner's own, or those of the ledger itself."""
    caller = request.user
    return caller.partner if isinstance(caller, PartnerCaller) else LEDGER_ITSELF


def staff_of(request: CityRequest) -> StaffCaller:
    """The staff person behind a request that ``for_operators`` let pass."""
    caller = request.user
    if not isinstance(caller, StaffCaller):
        raise Forbidden("Only a staff key may do this.")
    return caller


def refuse_unless_staff_with(caller: Caller, roles: frozenset[str]) -> None:
    """Raise Forbidden unless the caller is staff with one of the roles."""
    _refuse_other_staff(caller, roles)


async def find_named_member(request: CityRequest, name: str) -> Member:
    """Find the member that a caller names; raises MemberNotFound.

    A member sees itself alone. A reference is the partner's own, so staff name members by id or card.
    """
    member = await wiring_of(request).engine.intake.find_member(_names_of(request.user), name)
    if member is None or (isinstance(request.user, MemberCaller) and member != request.user.member):
        raise MemberNotFound("You know no member by this name.")
    return member


async def find_member_in_work(connection: AsyncConnection, request: CityRequest, name: str) -> Member:
    """Find the member that a caller names, inside a unit of work; raises as ``find_named_member``.

    So a repeated key is recognised first: by then a card that the request named may be blocked.
    """
    digest = name_digest(wiring_of(request).engine.key, _names_of(request.user), name)
    member = (await find_members(connection, [digest])).get(digest)
    if member is None or (isinstance(request.user, MemberCaller) and member != request.user.member):
        raise MemberNotFound("You know no member by this name.")
    return member


async def find_readable_member(request: CityRequest, name: str) -> Member:
    """Find a member whose points the caller may read.

    A partner reads them with the member's token beside its key. Raises Forbidden without one, before
    anything is looked up, and MemberNotFound for a token of another member.
    """
    token_member = await token_member_of(request)
    if isinstance(request.user, PartnerCaller) and token_member is None:
        raise Forbidden("A member's points are open to a partner only with the member's token, in Member-Token.")
    member = await find_named_member(request, name)
    if token_member is not None and member != token_member:
        raise MemberNotFound("You know no member by this name.")
    return member


async def find_member_with_balance(request: CityRequest, name: str) -> Member:
    """Find a member whose balance the caller may read; a partner also by the member's standing consent.

    The consent is asked for each time, so that a revoked one ends at once. Without token and consent the
    same Forbidden is raised for a member that exists and one that does not.
    """
    if not isinstance(request.user, PartnerCaller) or "member-token" in request.headers:
        return await find_readable_member(request, name)
    member = await wiring_of(request).engine.intake.find_member(request.user.partner, name)
    if member is None or not await _consents_to_balance(request, member, request.user.partner):
        raise Forbidden(
            "A member's balance is open to a partner only with the member's token, in Member-Token, or by its consent."
        )
    return member


async def _consents_to_balance(request: CityRequest, member: Member, partner: int) -> bool:
    async with wiring_of(request).engine.pool.connection() as connection:
        selves = await read_selves(connection, member)
        return await allows(connection, [one.public_id for one in selves], BALANCE, partner)


async def key_owner_of(request: CityRequest) -> str:
    """Whose idempotency keys the caller's are: a partner's, a staff person's or a member's own."""
    caller = request.user
    if isinstance(caller, MemberCaller):
        return f"m:{await wiring_of(request).public_id(caller.member)}"
    return caller.owner


async def token_member_of(request: CityRequest) -> Member | None:
    """Whose token the request carries in Member-Token, None without one; raises Unauthenticated."""
    token = request.headers.get("member-token")
    return None if token is None else await wiring_of(request).authentication.member_of(token)


def _names_of(caller: Caller) -> int:
    """Whose references the caller means."""
    return caller.partner if isinstance(caller, PartnerCaller) else LEDGER_ITSELF


async def _identify(request: AnyRequest) -> Caller:
    caller = await wiring_of(request).authentication.identify(request.headers.get("authorization"))
    request.scope["user"] = caller
    return caller


def _refuse_other_staff(caller: Caller, roles: frozenset[str]) -> None:
    if isinstance(caller, StaffCaller) and not roles.isdisjoint(caller.roles):
        return
    raise Forbidden(f"Wanted is a staff key with one of the roles {', '.join(sorted(roles))}.")
