"""Members: created once per name, found by the digest of any of their names."""

import secrets
from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.errors import Busy
from ledger.ids import LedgerKey, make_id
from ledger.store.arrays import Bigints, Bytes, Moments, Smallints, Uuids

CARD_DIGITS = 16

_FIND = """
select n.digest, n.lane, n.member
from unnest(%b) as wanted(digest) join member_names n on n.digest = wanted.digest
where n.blocked_at is null
"""
_NUMBERS = "select nextval('member_numbers') from generate_series(1, %s)"
_NOW = "select ledger_now()"
_CLAIM_REFERENCES = """
insert into member_names (digest, lane, member, partner, kind)
select digest, lane, member, %s, 'reference' from unnest(%b, %b, %b) as new(digest, lane, member)
order by digest
on conflict do nothing returning member
"""
_INSERT_MEMBERS = """
insert into members (member, public_id, created_at, lane)
select member, public_id, created_at, lane
from unnest(%b, %b, %b, %b) as new(member, public_id, created_at, lane)
where member = any(%b)
"""
_INSERT_NAMES = """
insert into member_names (digest, lane, member, kind)
select digest, lane, member, %s
from unnest(%b, %b, %b) as new(digest, lane, member)
where member = any(%b) order by digest
"""
_LINK = """
insert into member_names (digest, lane, member, partner, kind) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""
_HOLD_STILL = "select 1 from members where lane = %s and member = %s and into_member is null for no key update"
_BLOCK_CARDS = """
update member_names set blocked_at = clock_timestamp()
where lane = %s and member = %s and kind = 'card' and blocked_at is null and digest <> %s
"""


class Member(msgspec.Struct, frozen=True):
    """Where a member is."""

    lane: int
    number: int


class NewMember(msgspec.Struct, frozen=True):
    """A member just created, with the card number that is shown once."""

    lane: int
    number: int
    public_id: UUID
    card: str


def name_digest(key: LedgerKey, partner: int, name: str) -> bytes:
    """Digest of how a caller names a member: an id, ``ref:<reference>`` or ``card:<number>``.

    A reference is the partner's own; the same one from two partners names two members.
    """
    if name.startswith("ref:"):
        return key.member_digest("reference", str(partner), name[4:])
    if name.startswith("card:"):
        return key.member_digest("card", "", name[5:])
    return key.member_digest("id", "", name.lower())


def _new_card() -> str:
    """A card number that nobody can guess from another."""
    return f"{secrets.randbelow(10**CARD_DIGITS):0{CARD_DIGITS}d}"


async def find_members(connection: AsyncConnection, digests: Sequence[bytes]) -> dict[bytes, Member]:
    """Find members by digests of their names; unknown and blocked names are left out."""
    cursor = await connection.execute(_FIND, [Bytes.of(digests)])
    return {digest: Member(lane, number) for digest, lane, number in await cursor.fetchall()}


async def create_members(
    connection: AsyncConnection, key: LedgerKey, partner: int, references: Sequence[str], lanes: int
) -> dict[str, NewMember]:
    """Create members for references that are not taken yet; runs inside a unit of work.

    Returns only those created here: a reference that another request took first is left out, and
    the caller finds its member. Members are spread evenly over ``lanes`` lanes.
    """
    references = list(dict.fromkeys(references))
    cursor = await connection.execute(_NUMBERS, [len(references)])
    numbers = [row[0] for row in await cursor.fetchall()]
    cursor = await connection.execute(_NOW)
    [(now,)] = await cursor.fetchall()
    new = {
        reference: NewMember(
            number % lanes,
            number,
            make_id(now, number % lanes, number, secrets.randbits(22)),
            _new_card(),
        )
        for reference, number in zip(references, numbers, strict=True)
    }
    won = await _claim(connection, key, partner, new)
    created = {reference: member for reference, member in new.items() if member.number in won}
    if created:
        await _insert_members(connection, key, list(created.values()), now)
    return created


async def _claim(connection: AsyncConnection, key: LedgerKey, partner: int, new: dict[str, NewMember]) -> set[int]:
    members = list(new.values())
    cursor = await connection.execute(
        _CLAIM_REFERENCES,
        [
            partner,
            Bytes.of([name_digest(key, partner, f"ref:{reference}") for reference in new]),
            Smallints.of([member.lane for member in members]),
            Bigints.of([member.number for member in members]),
        ],
    )
    return {row[0] for row in await cursor.fetchall()}


async def _insert_members(connection: AsyncConnection, key: LedgerKey, members: list[NewMember], now: int) -> None:
    numbers = Bigints.of([member.number for member in members])
    lanes = Smallints.of([member.lane for member in members])
    await connection.execute(
        _INSERT_MEMBERS,
        [
            numbers,
            Uuids.of([member.public_id for member in members]),
            Moments.of([now] * len(members)),
            lanes,
            numbers,
        ],
    )
    for kind, names in (
        ("id", [str(member.public_id) for member in members]),
        ("card", [f"card:{member.card}" for member in members]),
    ):
        digests = Bytes.of([name_digest(key, 0, name) for name in names])
        await connection.execute(_INSERT_NAMES, [kind, digests, lanes, numbers, numbers])


async def next_member_number(connection: AsyncConnection) -> int:
    """A number that no member has yet; one that is not used leaves a gap, which means nothing."""
    cursor = await connection.execute(_NUMBERS, [1])
    [(number,)] = await cursor.fetchall()
    return int(number)


async def link_reference(connection: AsyncConnection, digest: bytes, member: Member, partner: int) -> bool:
    """Give a member a partner's reference; False when the reference is taken already. Raises Busy."""
    await _hold_still(connection, member)
    cursor = await connection.execute(_LINK, [digest, member.lane, member.number, partner, "reference"])
    return cursor.rowcount == 1


async def issue_card(connection: AsyncConnection, key: LedgerKey, member: Member, *, block_others: bool) -> str:
    """Give a member a new card number, blocking the older ones where asked. Raises Busy."""
    await _hold_still(connection, member)
    card = _new_card()
    digest = name_digest(key, 0, f"card:{card}")
    await connection.execute(_LINK, [digest, member.lane, member.number, None, "card"])
    if block_others:
        await connection.execute(_BLOCK_CARDS, [member.lane, member.number, digest])
    return card


async def _hold_still(connection: AsyncConnection, member: Member) -> None:
    """Wait for a merge or move of the member, and let none begin: a name given meanwhile would lead to nobody."""
    cursor = await connection.execute(_HOLD_STILL, [member.lane, member.number])
    if await cursor.fetchone() is None:
        raise Busy("The member has just been merged or moved; try again.", retry_after_seconds=1)
