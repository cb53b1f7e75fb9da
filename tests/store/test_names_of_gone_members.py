"""A name is never given to a member that is no more, also where both happen at once."""

import asyncio

import psycopg
import pytest

from ledger.errors import Busy
from ledger.rules.outcomes import Posted
from ledger.store.members import Member, issue_card, link_reference, name_digest
from ledger.store.unit_of_work import unit_of_work
from tests.builders import LEDGER_KEY
from tests.databases import LedgerDatabase
from tests.life_builders import move
from tests.store.ledger_in_postgres import open_ledger

WAIT_SECONDS = 0.3


async def test_a_member_that_has_moved_gets_neither_reference_nor_card_in_its_old_place(
    database: LedgerDatabase,
) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        member = ledger.members[0]
        old = await desk.intake.find_member(0, member)
        assert old is not None
        moving = await desk.intake.prepare(0, "m", move(member, (ledger.lanes[0] + 1) % 4), owner="s:x")
        assert isinstance(await desk.posters.submit(moving), Posted)
        digest = name_digest(LEDGER_KEY, ledger.partners[0], "ref:late")
        async with ledger.pool.connection() as connection:
            with pytest.raises(Busy):
                async with unit_of_work(connection):
                    await link_reference(connection, digest, old, ledger.partners[0])
            with pytest.raises(Busy):
                async with unit_of_work(connection):
                    await issue_card(connection, LEDGER_KEY, old, block_others=False)
        assert await ledger.value("select count(*)::int from member_names where digest = %s", digest) == 0


async def test_a_name_given_while_its_member_is_moving_waits_and_is_refused(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        found = await desk.intake.find_member(0, ledger.members[0])
        assert found is not None
        digest = name_digest(LEDGER_KEY, ledger.partners[0], "ref:meanwhile")

        async def link(member: Member) -> bool:
            async with ledger.pool.connection() as connection, unit_of_work(connection):
                return await link_reference(connection, digest, member, ledger.partners[0])

        with psycopg.connect(database.service_url) as mover:
            mover.execute(
                "update members set status = 'moved', into_lane = 1, into_member = 99 where lane = %s and member = %s",
                [found.lane, found.number],
            )
            linking = asyncio.create_task(link(found))
            await asyncio.sleep(WAIT_SECONDS)
            assert not linking.done()
            mover.commit()
            with pytest.raises(Busy):
                await linking
