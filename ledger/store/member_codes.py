"""Members' codes: made, found by their digest, spent by one posting, forgotten.

A code ends by the real time, also on a sandbox, like every secret that somebody presents. It is spent in the
unit of work that posts, under the lock of its member's lane (``rarer_writes.py``): so by one posting, however many
tills, partners and processes are given it at once.

Why a refusal does not spend it: it has moved nothing, and the customer still stands there: the till may offer to
take fewer points. Why it stays when the member is merged or moved: it is the same person, who shows the same picture.
"""

import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
from psycopg import AsyncConnection

from ledger.errors import Busy, CodeExpired, CodeUsed, MemberClosed, MemberFrozen, MemberNotFound
from ledger.ids import LedgerKey, Place
from ledger.rules.member_codes import DRAWN_DIGITS, LIFETIME_SECONDS, is_code, with_check_digits
from ledger.store.arrays import Bytes
from ledger.store.members import Member

MOST_GOOD_CODES: Final = 6
"""How many codes of a member are good at once: for two or three devices, each of which shows the last and the next."""

KEPT_SECONDS: Final = 60 * 60
"""How long what became of a code is still known."""

_HOLD_STILL = "select status, into_member is null from members where lane = %s and member = %s for no key update"
_DROP_OLD = """
delete from member_codes where lane = %(lane)s and member = %(member)s and used_at is null and digest not in (
    select digest from member_codes where lane = %(lane)s and member = %(member)s and used_at is null
    order by made_at desc limit %(kept)s
)
"""
_ADD = """
insert into member_codes (digest, member, lane, expires_at)
values (%s, %s, %s, clock_timestamp() + make_interval(secs => %s))
returning expires_at
"""
_FIND = """
select c.digest, c.lane, c.member, c.expires_at <= clock_timestamp(), c.used_lane, c.used_sequence
from unnest(%b) as wanted(digest) join member_codes c on c.digest = wanted.digest
"""
_LAST_USED = """
select used_lane, used_sequence from member_codes
where lane = %s and member = %s and used_at > clock_timestamp() - make_interval(secs => %s)
order by used_at desc limit 1
"""
_PRUNE = """
delete from member_codes where digest in (
    select digest from member_codes where expires_at < clock_timestamp() - make_interval(secs => %s) limit %s
)
"""


class MadeCode(msgspec.Struct, frozen=True):
    """A code just made: its digits are stored nowhere. ``expires_at`` is in microseconds since 1970 UTC."""

    digits: str
    expires_at: int


class StoredCode(msgspec.Struct, frozen=True):
    """What is known of a code that was made: whose it is, and the transaction that it was ``used`` for."""

    member: Member
    is_expired: bool
    used: Place | None

    @property
    def is_good(self) -> bool:
        """Whether it can still be used."""
        return self.used is None and not self.is_expired


def code_digest(key: LedgerKey, digits: str) -> bytes:
    """What is stored of a code."""
    return key.member_digest("code", "", digits)


async def make_code(connection: AsyncConnection, key: LedgerKey, member: Member) -> MadeCode:
    """Make a code of a member's, inside a unit of work; of its good ones only the newest stay.

    Raises MemberFrozen and MemberClosed, since nothing could be posted with it, and Busy after a merge or move.
    """
    cursor = await connection.execute(_HOLD_STILL, [member.lane, member.number])
    status, is_here = await cursor.fetchone() or (None, False)
    if not is_here:
        raise Busy("The member has just been merged or moved; try again.", retry_after_seconds=1)
    if status == "closed":
        raise MemberClosed("The member's account is closed.")
    if status != "active":
        raise MemberFrozen("The member's account is frozen.")
    of_member = {"lane": member.lane, "member": member.number, "kept": MOST_GOOD_CODES - 1}
    await connection.execute(_DROP_OLD, of_member)
    digits = with_check_digits(secrets.randbelow(10**DRAWN_DIGITS))
    values = [code_digest(key, digits), member.number, member.lane, LIFETIME_SECONDS]
    cursor = await connection.execute(_ADD, values)
    [(expires_at,)] = await cursor.fetchall()
    return MadeCode(digits, expires_at)


async def find_codes(connection: AsyncConnection, digests: Sequence[bytes]) -> dict[bytes, StoredCode]:
    """Find codes by their digests, good or not; unknown ones are left out."""
    cursor = await connection.execute(_FIND, [Bytes.of(digests)])
    return {
        digest: StoredCode(Member(lane, member), is_expired, None if used is None else Place(used_lane, used))
        for digest, lane, member, is_expired, used_lane, used in await cursor.fetchall()
    }


async def find_presented(connection: AsyncConnection, key: LedgerKey, digits: str) -> StoredCode | None:
    """Find the code of these digits, good or not; None where there is none, or cannot be."""
    if not is_code(digits):
        return None
    digest = code_digest(key, digits)
    return (await find_codes(connection, [digest])).get(digest)


def good_code(found: StoredCode | None) -> Member:
    """Whose code it is that somebody presents; raises MemberNotFound, CodeUsed and CodeExpired."""
    if found is None:
        raise MemberNotFound("You know no member by this code.")
    if found.used is not None:
        raise CodeUsed("The code has been used; the member shows the next one.")
    if found.is_expired:
        raise CodeExpired("The code is no longer good; the member shows the next one.")
    return found.member


async def last_used(connection: AsyncConnection, member: Member, *, within_seconds: int) -> Place | None:
    """The transaction that the member's last used code was used for, where that was not long ago."""
    cursor = await connection.execute(_LAST_USED, [member.lane, member.number, within_seconds])
    row = await cursor.fetchone()
    return None if row is None else Place(*row)


async def prune_codes(connection: AsyncConnection, *, limit: int) -> int:
    """Forget some of the codes that ended over an hour ago; returns how many."""
    cursor = await connection.execute(_PRUNE, [KEPT_SECONDS, limit])
    return cursor.rowcount
