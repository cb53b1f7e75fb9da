"""What the vault knows of a member: region and year of birth, nothing that names the person."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

_ADD = """
insert into personal_data (public_id, created_at, birth_year, region) values (%s, ledger_now(), %s, %s)
on conflict do nothing
"""
_READ = """
select created_at, birth_year, region from personal_data where public_id = any(%s) order by created_at, public_id
"""


class PersonalData(msgspec.Struct, frozen=True):
    """Personal data as a partner sent it; ``created_at`` is in microseconds since 1970 UTC."""

    created_at: int
    birth_year: int | None
    region: str | None


async def add_personal_data(
    connection: AsyncConnection, public_id: UUID, *, birth_year: int | None, region: str | None
) -> None:
    """Keep what is known of a new member; where nothing is, no row."""
    if birth_year is not None or region is not None:
        await connection.execute(_ADD, [public_id, birth_year, region])


async def read_personal_data(connection: AsyncConnection, public_ids: Sequence[UUID]) -> list[PersonalData]:
    """Read what is known under a member's public ids, the oldest first."""
    cursor = await connection.execute(_READ, [list(public_ids)])
    return [PersonalData(*row) for row in await cursor.fetchall()]
