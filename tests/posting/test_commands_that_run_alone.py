"""Commands that ask for more than their batch has read run again, alone, and nothing overtakes them."""

import psycopg
import pytest

from ledger.rules.commands import Atomic, AtomicItem, GrantCap
from ledger.rules.outcomes import Posted, Refused, Replayed
from tests.builders import earn, redeem, take_back
from tests.databases import LedgerDatabase
from tests.life_builders import gift, move
from tests.store.ledger_in_postgres import Desk, LedgerInPostgres, open_ledger

LOTS = 30


def add_cap(ledger: LedgerInPostgres, *, home_lane: int) -> None:
    """A cap on what the first partner gives, as the set-up would add it."""
    with psycopg.connect(ledger.database.owner_url) as owner:
        owner.execute(
            "insert into caps (code, programme, partner, home_lane) values ('BUDGET', %s, %s, %s)",
            [ledger.programme, ledger.partners[0], home_lane],
        )
        owner.execute("update registry set version = version + 1")


async def grant(desk: Desk, points: int) -> None:
    """Authorise the cap for points."""
    async with desk.ledger.pool.connection() as connection:
        await desk.posters.registry.refresh(connection)
    submission = await desk.intake.prepare(
        0, desk.ledger.next_key(), GrantCap(cap="BUDGET", points=points), owner="s:x"
    )
    assert isinstance(await desk.posters.submit(submission), Posted)


async def test_a_cancellation_never_overtakes_the_earn_that_waits_for_another_lane(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        add_cap(ledger, home_lane=(ledger.lanes[0] + 1) % 4)
        await grant(desk, 1_000_000)
        member = ledger.members[0]
        earning = earn(spend_minor=5_000, member=member)
        # Written down by now, since a cancellation is of earlier earns.
        at = await ledger.value("select (extract(epoch from clock_timestamp()) * 1000000)::bigint + 1000000")
        cancelling = take_back(5_000, member=member, occurred_at=at)
        earned, cancelled = await desk.submit_together([earning, cancelling], ["e", "c"])
        assert isinstance(earned, Posted)
        assert isinstance(cancelled, Posted), cancelled
        assert cancelled.unmatched_minor == 0


async def test_two_redemptions_of_one_member_keep_their_order_when_the_first_needs_all_lots(
    database: LedgerDatabase,
) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        member = ledger.members[0]
        for _ in range(LOTS):
            await desk.post(earn(10, member=member))
        first, second = await desk.submit_together(
            [redeem(10 * LOTS, member=member), redeem(1, member=member)], ["first", "second"]
        )
        assert isinstance(first, Posted)
        assert isinstance(second, Refused)
        assert second.code == "insufficient-points"


async def test_a_cap_is_swept_once_and_then_refuses_within_the_batch(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        add_cap(ledger, home_lane=0)
        await grant(desk, 1_000)
        commands = [earn(10, member=ledger.members[number % 8]) for number in range(150)]
        outcomes = await desk.submit_together(commands, [f"k{number}" for number in range(150)])
        assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 100
        assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} == {"cap-exhausted"}
        assert await ledger.rows("select is_swept from caps") == [(True,)]
        balances = dict(
            await ledger.rows("select kind, sum(balance)::int from party_balances where kind > 8 group by 1")
        )
        assert (balances[9], balances[10], balances[11], balances[12], balances[13]) == (0, 0, 1_000, 0, 1_000)
        before = await ledger.value("select sum(next_sequence) from lanes")
        more = await desk.submit_together(
            [earn(10, member=ledger.members[number % 8]) for number in range(50)],
            [f"m{number}" for number in range(50)],
        )
        assert all(isinstance(outcome, Refused) for outcome in more)
        assert await ledger.value("select sum(next_sequence) from lanes") == before


async def test_a_command_for_a_member_that_has_moved_is_posted_where_it_is_now(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        member = ledger.members[0]
        await desk.post(earn(10, member=member))
        stale = await desk.submission(redeem(4, member=member), "stale")
        lane = (ledger.lanes[0] + 1) % 4
        moving = await desk.intake.prepare(0, "move", move(member, lane), owner="s:x")
        assert isinstance(await desk.posters.submit(moving), Posted)
        redeemed = await desk.posters.submit(stale)
        assert isinstance(redeemed, Posted)
        assert redeemed.own_entries[0].transaction.lane == lane
        assert isinstance(await desk.posters.submit(stale), Replayed)


async def test_an_atomic_command_over_several_lanes_posts_all_or_nothing(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        earns = [AtomicItem(f"i{n}", earn(10, member=ledger.members[n])) for n in range(4)]
        too_much = AtomicItem("i9", redeem(11, member=ledger.members[0]))
        refused = await desk.submit(Atomic(items=(*earns, too_much)), "first")
        assert isinstance(refused, Refused)
        assert (refused.code, refused.facts["item"]) == ("bulk-item-refused", 4)
        assert await ledger.transactions() == 0
        posted = await desk.submit(Atomic(items=tuple(earns)), "second")
        assert isinstance(posted, Posted)
        assert await ledger.transactions() == 4
        assert isinstance(await desk.submit(Atomic(items=tuple(earns)), "second"), Replayed)
        assert isinstance(await desk.submit(Atomic(items=(*earns, too_much)), "first"), Replayed)
        assert isinstance(await desk.submit(earns[0].command, "i0"), Replayed)


@pytest.mark.parametrize("receiver", range(1, 5))
async def test_a_gift_arrives_whole_in_the_same_lane_and_in_others(database: LedgerDatabase, receiver: int) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        giver, taker = ledger.members[0], ledger.members[receiver]
        await desk.post(earn(10, member=giver))
        posted = await desk.post(gift(7, member=giver, receiver=taker))
        assert len({entry.transaction.recorded_at for entry in posted.entries}) == 1
        assert await ledger.rows("select posted::int from member_points order by posted") == [(3,), (7,)]
        assert await ledger.value("select coalesce(sum(balance), 0)::int from party_balances where kind = 8") == 0


async def test_what_was_given_before_a_move_counts_towards_the_limit_of_the_month(database: LedgerDatabase) -> None:
    async with open_ledger(database) as ledger, ledger.posters() as desk:
        giver, taker, other = ledger.members[:3]
        await desk.post(earn(6_000, member=giver))
        await desk.post(gift(4_990, member=giver, receiver=taker))
        for member, lane in ((giver, (ledger.lanes[0] + 1) % 4), (taker, (ledger.lanes[1] + 1) % 4)):
            moving = await desk.intake.prepare(0, f"move {member}", move(member, lane), owner="s:x")
            assert isinstance(await desk.posters.submit(moving), Posted)
        above = await desk.submit(gift(11, member=giver, receiver=other))
        assert isinstance(above, Refused)
        assert (above.code, above.facts["used"]) == ("limit-exceeded", 4_990)
        await desk.post(earn(100, member=other))
        assert isinstance(await desk.submit(gift(11, member=other, receiver=taker)), Refused)
        await desk.post(gift(10, member=giver, receiver=taker))
