"""What is done with a member's points by its own leave: its token, as the credential or beside a partner's key."""

from collections.abc import Callable

from api.access import find_named_member, key_owner_of, token_member_of
from api.authentication import MemberCaller, PartnerCaller
from api.requests import CityRequest
from api.wiring import wiring_of
from ledger.errors import Forbidden, MemberNotFound
from ledger.rules.commands import PartnerCommand, Submission
from ledger.rules.programmes import LEDGER_ITSELF


async def prepare_by_leave(
    request: CityRequest,
    idempotency_key: str,
    named: str | None,
    command_of: Callable[[str], PartnerCommand],
    what_happens: str,
) -> Submission:
    """Make the submission of what a member does, ``command_of`` any of its names, where the caller shows its leave.

    ``named`` is the member that the body names, if any. Raises Forbidden for a partner without the member's token,
    MemberNotFound where another member is named.
    """
    wiring, caller = wiring_of(request), request.user
    leave = caller.member if isinstance(caller, MemberCaller) else await token_member_of(request)
    if leave is None:
        raise Forbidden(
            f"A member's points are {what_happens} by a partner only with the member's token, in Member-Token."
        )
    if named is not None and await find_named_member(request, named) != leave:
        raise MemberNotFound("You know no member by this name.")
    return await wiring.engine.intake.prepare(
        caller.partner if isinstance(caller, PartnerCaller) else LEDGER_ITSELF,
        idempotency_key,
        command_of(named or await wiring.public_id(leave)),
        owner=await key_owner_of(request),
        shows_balance=True,
    )
