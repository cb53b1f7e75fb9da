"""Members' codes between a page or route and the ledger: made, looked at, and how often one may be missed."""

from api.wiring import Wiring
from ledger.rules.commands import Atomic, Earn, PlaceHold, Redeem, Submission
from ledger.rules.member_codes import names_code
from ledger.store.member_codes import MadeCode, find_presented, good_code, make_code
from ledger.store.members import Member
from ledger.store.unit_of_work import unit_of_work

QR_PREFIX = "CP"
"""What a QR code says before the digits: letters that every keyboard of a scanner types alike."""


async def make_code_of(wiring: Wiring, member: Member) -> MadeCode:
    """Make a code for a member to show; raises MemberFrozen, MemberClosed and Busy, and 429 above a quota."""
    wiring.made_codes.take(f"m:{member.lane}:{member.number}")
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        return await make_code(connection, wiring.engine.key, member)


async def look_at_code(wiring: Wiring, partner: int, digits: str) -> Member:
    """Whose code a partner is shown; it stays good. Raises MemberNotFound, CodeUsed, CodeExpired, and 429.

    Only what is not found counts, so tills that are shown codes are never held up.
    """
    async with wiring.engine.pool.connection() as connection:
        found = await find_presented(connection, wiring.engine.key, digits)
    if found is None:
        wiring.missed_codes.take(f"p:{partner}")
    return good_code(found)


def count_missed_codes(wiring: Wiring, submission: Submission) -> None:
    """Count names by codes that led to nobody; raises 429 above a quota, before anything is recorded."""
    for one in submission.items or (submission,):
        if one.member is None and _names_code(one):
            wiring.missed_codes.take(f"p:{submission.partner}")


def _names_code(submission: Submission) -> bool:
    command = submission.command
    assert not isinstance(command, Atomic)  # noqa: S101 - an item is none
    return isinstance(command, Earn | Redeem | PlaceHold) and names_code(command.member)
