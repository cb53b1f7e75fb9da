"""A code that was looked up before its member moved, was merged or closed is decided as it is then."""

import psycopg

from ledger.rules.commands import Close, Earn, StaffCommand, Submission
from ledger.rules.outcomes import Outcome, Posted, Refused
from ledger.store.member_codes import make_code
from ledger.store.members import Member, find_members, name_digest
from ledger.store.unit_of_work import unit_of_work
from tests.builders import LEDGER_KEY, earn
from tests.databases import LedgerDatabase
from tests.life_builders import merge, move
from tests.store.ledger_in_postgres import LANES, Desk, open_ledger

STAFF = "s:x"


async def earn_by_code(desk: Desk, member: str, points: int = 1, times: int = 1) -> list[Submission]:
    """Earnings that name a member by one new code, resolved and not yet submitted."""
    digest = name_digest(LEDGER_KEY, 0, member)
    async with desk.ledger.pool.connection() as connection, unit_of_work(connection):
        place: Member = (await find_members(connection, [digest]))[digest]
        made = await make_code(connection, LEDGER_KEY, place)
    command = Earn(programme="CITY", member=f"code:{made.digits}", points=points, scene="food")
    submissions = [await desk.submission(command) for _ in range(times)]
    assert all(submission.code is not None for submission in submissions)
    return submissions


async def by_staff(desk: Desk, command: StaffCommand) -> None:
    submission = await desk.intake.prepare(0, desk.ledger.next_key(), command, owner=STAFF)
    assert isinstance(await desk.posters.submit(submission), Posted)


def code_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


async def test_after_a_move_to_another_lane_the_code_is_good_for_one_posting_there(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        member, lane = ledger.members[0], (ledger.lanes[0] + 1) % LANES
        first, second = await earn_by_code(desk, member, times=2)
        await by_staff(desk, move(member, lane))
        posted = await desk.posters.submit(first)
        assert isinstance(posted, Posted)
        assert posted.own_entries[0].transaction.lane == lane
        assert code_of(await desk.posters.submit(second)) == "code-used"


async def test_after_a_merge_the_code_is_the_survivors(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        source, into = ledger.members[:2]
        before, spent = await earn_by_code(desk, source, times=2)
        await by_staff(desk, merge(source, into))
        posted = await desk.posters.submit(before)
        assert isinstance(posted, Posted)
        assert posted.member_id == into
        assert code_of(await desk.posters.submit(spent)) == "code-used"


async def test_a_merge_and_the_code_in_one_batch_agree(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        source, into = ledger.members[:2]
        submissions = await earn_by_code(desk, source, times=3)
        merging = await desk.intake.prepare(0, "merging", merge(source, into), owner=STAFF)
        futures = [desk.posters.enqueue(one) for one in (merging, *submissions)]
        outcomes = [await future for future in futures]
        assert [type(outcome) for outcome in outcomes] == [Posted, Posted, Refused, Refused]
        assert [code_of(outcome) for outcome in outcomes[2:]] == ["code-used", "code-used"]


async def test_after_closing_or_forgetting_the_code_names_nobody(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        closed, forgotten = ledger.members[:2]
        [of_closed] = await earn_by_code(desk, closed)
        await by_staff(desk, Close(member=closed, gives_up_points=True))
        assert code_of(await desk.posters.submit(of_closed)) == "member-not-found"
        [of_forgotten] = await earn_by_code(desk, forgotten)
        async with ledger.pool.connection() as connection, unit_of_work(connection):
            await connection.execute("delete from member_codes")
        assert code_of(await desk.posters.submit(of_forgotten)) == "member-not-found"


async def test_a_code_that_ends_while_it_waits_is_refused(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        member = ledger.members[0]
        await desk.post(earn(1, member=member))
        [waiting] = await earn_by_code(desk, member)
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(
                "update member_codes set made_at = made_at - interval '1 day', expires_at = clock_timestamp()"
            )
        assert code_of(await desk.posters.submit(waiting)) == "code-expired"
