"""What else happens to points in the lively ledger: holds, gifts, caps, notices, and what staff do to members."""

from datetime import timedelta
from itertools import count
from random import Random
from typing import Protocol
from uuid import UUID

from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.posting.notices import post_notices
from ledger.rules.business_day import MICROSECONDS_PER_DAY, to_datetime
from ledger.rules.commands import (
    Adjust,
    Capture,
    Clear,
    Close,
    Exchange,
    Freeze,
    Gift,
    GrantCap,
    Merge,
    Move,
    PartnerCommand,
    PlaceHold,
    StaffCommand,
    Unfreeze,
    VoidHold,
    WriteOff,
)
from ledger.rules.decisions.clearing import settled
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from ledger.rules.outcomes import Outcome, Posted
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.exchange_rates import NewExchangeRate, add_exchange_rate
from ledger.store.members import create_members
from ledger.store.registry import raise_registry_version
from ledger.store.unit_of_work import unit_of_work
from tests.audit.told_stories import Told, id_of

HOLDS_PER_DAY = 5
ENDS_PER_DAY = 7
GIFTS_PER_DAY = 4
EXCHANGES_PER_DAY = 3
RATES = (("SHORT", "GRACE", 5, 4, 1), ("SHORT", "GRACE", 2, 3, 15), ("BORNE", "SHORT", 3, 1, 1))
"""Of each rate its programmes, what is given and got, and how many days after the second it starts."""

LATE_DAY = 20
CAPS = (
    ("SHORT", None, None, 0, 1_200),
    ("SHORT", 2, "clothing", 2, 500),
    ("GRACE", None, "clothing", 1, 2_500),
    ("BORNE", None, "charity", 0, 0),
)
"""Of each cap its programme, partner, scene, home lane, and what it is granted now and then; the last, once."""


class Town(Protocol):
    """The lively town, as far as this part of its life needs it."""

    engine: Engine
    partners: list[int]
    members: list[str]
    programmes: list[str]
    random: Random
    now: int

    async def post(self, partner: int, command: PartnerCommand) -> Outcome:
        """Post a command of a partner under a key of its own."""
        ...

    async def tell(self, partner: int, command: PartnerCommand) -> Outcome:
        """Post a command of a story."""
        ...


class Life:
    """Draws, from the town's own seed, what befalls its members besides earning and spending."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._numbers = count(1)
        self._holds: list[tuple[int, str]] = []
        self._frozen: list[str] = []
        self._day = 0
        self._draw = Random(22)
        told = Told(self.create_member, town.tell, self.by_staff, town.partners)
        self._stories = {1: told.first_day, 3: told.soon_after, LATE_DAY: told.late}

    async def found_caps(self) -> None:
        """Set up the caps; the first earns were drawn from none."""
        engine = self._town.engine
        async with engine.pool.connection() as connection:
            async with unit_of_work(connection):
                for number, (programme, partner, scene, home_lane, _) in enumerate(CAPS):
                    await connection.execute(
                        "insert into caps (code, programme, partner, scene, home_lane) "
                        "select %s, programme, %s, %s, %s from programmes where code = %s",
                        [f"cap-{number}", partner, scene, home_lane, programme],
                    )
                await raise_registry_version(connection)
            await engine.registry.refresh(connection)
        await self._grant_caps()

    async def found_rates(self) -> None:
        """Agree on rates of exchange, some of them for later."""
        engine, today = self._town.engine, to_datetime(self._town.now).date()
        async with engine.pool.connection() as connection:
            for source, target, give, get, after in RATES:
                registry = engine.registry.current
                rate = NewExchangeRate(
                    source=registry.programmes[source].number,
                    target=registry.programmes[target].number,
                    issuer=self._town.partners[0],
                    starts_on=today + timedelta(days=after),
                    give=give,
                    get=get,
                    price_micros=11_500,
                )
                async with unit_of_work(connection):
                    await add_exchange_rate(connection, rate)
            await engine.registry.refresh(connection)

    async def live_a_day(self) -> None:
        """One day's holds, gifts and events; each kind of event comes round every few days."""
        self._day += 1
        if self._day == 2:
            await self.found_caps()
            await self.found_rates()
        if self._day in self._stories:
            await self._stories[self._day]()
        for _ in range(HOLDS_PER_DAY):
            await self._hold()
        for _ in range(ENDS_PER_DAY):
            await self._end_a_hold()
        for _ in range(GIFTS_PER_DAY):
            await self._give()
        for _ in range(EXCHANGES_PER_DAY):
            await self._exchange()
        for every, event in (
            (2, self._freeze_or_unfreeze),
            (3, self._adjust),
            (3, self._move),
            (4, self._write_off),
            (5, self._merge),
            (7, self._close),
            (14, self._grant_caps),
            (6, self._clear),
        ):
            if self._day % every == 0:
                await event()
        if self._day % 2 == 0:
            await post_notices(self._town.engine)

    async def _clear(self) -> None:
        """A batch with points and money, and a payment with money alone."""
        town, number = self._town, next(self._numbers)
        programme = town.programmes[0]
        owed = MoneyPosting("CNY", MoneyAccount.REDEMPTION_OBLIGATION, OPERATOR, MoneyAccount.ACCEPTOR_PAYABLE, 1, 500)
        paid = MoneyPosting("CNY", MoneyAccount.ACCEPTOR_PAYABLE, 1, MoneyAccount.SETTLEMENT_BANK, OPERATOR, 500)

        async def step(unit: ClearingUnit) -> None:
            batch = Clear(programme=programme, about=f"batch {number}", points=(settled(1, 1, 3),), money=(owed, owed))
            unit.post(batch, f"batch {number}")
            unit.post(Clear(programme=programme, about=f"payment {number}", money=(paid,)), f"payment {number}")

        await clear(town.engine, step)

    async def _hold(self) -> None:
        town, draw = self._town, self._town.random
        partner = draw.choice(town.partners)
        command = PlaceHold(
            programme=draw.choice(town.programmes),
            member=draw.choice(town.members),
            points=draw.randint(1, 60),
            scene="health",
            channel="app",
            outlet="12",
            expires_at=town.now + draw.choice((1, 2, 3, 20)) * MICROSECONDS_PER_DAY,
        )
        outcome = await town.post(partner, command)
        if isinstance(outcome, Posted):
            self._holds.append((partner, id_of(outcome.own_entries[0])))

    async def _end_a_hold(self) -> None:
        town, draw = self._town, self._town.random
        if not self._holds:
            return
        partner, hold = draw.choice(self._holds[-40:])
        if draw.random() < 0.2:
            await town.post(partner, VoidHold(hold=hold))
            return
        points = draw.choice((None, 1, 5, 12))
        await town.post(partner, Capture(hold=hold, points=points, final=draw.random() < 0.4))

    async def _give(self) -> None:
        town, draw = self._town, self._town.random
        giver, receiver = draw.sample(town.members, 2)
        command = Gift(
            programme=draw.choice(town.programmes), member=giver, receiver=receiver, points=draw.randint(1, 40)
        )
        await town.post(draw.choice(town.partners), command)

    async def _exchange(self) -> None:
        town, draw = self._town, self._draw
        source, target, give, *_ = draw.choice(RATES)
        points = give * draw.randint(1, 6) + (draw.random() < 0.1)
        command = Exchange(programme=source, target_programme=target, member=draw.choice(town.members), points=points)
        await town.post(draw.choice(town.partners), command)

    async def _freeze_or_unfreeze(self) -> None:
        draw = self._town.random
        if self._frozen and draw.random() < 0.7:
            await self.by_staff(Unfreeze(member=self._frozen.pop(0), reason="found"))
            return
        member = draw.choice(self._town.members)
        if isinstance(await self.by_staff(Freeze(member=member, reason="lost")), Posted):
            self._frozen.append(member)

    async def _adjust(self) -> None:
        town, draw = self._town, self._town.random
        for takes in (False, True):
            approval = await self._approve("adjust")
            outcome = await self.by_staff(
                Adjust(
                    programme=draw.choice(town.programmes),
                    member=draw.choice(town.members),
                    partner=draw.choice(("BAKER", "METRO", "BANK")),
                    points=draw.randint(1, 20),
                    takes=takes,
                    approval=approval,
                )
            )
            await self._note_posted(approval, outcome)

    async def _write_off(self) -> None:
        """Forgive part of what somebody owes, where anybody does."""
        async with self._town.engine.pool.connection() as connection:
            cursor = await connection.execute(
                "select m.public_id::text, p.code from member_points o join members m using (lane, member) "
                "join programmes p on p.programme = o.programme where o.shortfall > 3 and m.status = 'active' "
                "order by o.lane, o.member, o.programme limit 1"
            )
            owing = await cursor.fetchall()
        for member, programme in owing:
            approval = await self._approve("write-off")
            command = WriteOff(programme=programme, member=member, points=2, approval=approval)
            await self._note_posted(approval, await self.by_staff(command))

    async def _move(self) -> None:
        draw = self._town.random
        member = draw.choice(self._town.members)
        found = await self._town.engine.intake.find_member(self._town.partners[0], member)
        assert found is not None
        await self.by_staff(Move(member=member, to_lane=(found.lane + draw.choice((1, 2))) % self._town.engine.lanes))

    async def _merge(self) -> None:
        """Two become one, and somebody new comes to town."""
        member, into = self._town.random.sample(self._town.members, 2)
        await self.by_staff(Merge(member=member, into=into, reason="the same person"))
        await self._arrive()

    async def _close(self) -> None:
        """Somebody leaves; whoever still has holds or debts may not."""
        member = self._town.random.choice(self._town.members)
        if isinstance(await self.by_staff(Close(member=member, gives_up_points=True)), Posted):
            self._town.members.remove(member)
            await self._arrive()

    async def _arrive(self) -> None:
        self._town.members.append(await self.create_member())

    async def create_member(self) -> str:
        """Create a member; its id."""
        engine, name = self._town.engine, f"newcomer-{next(self._numbers)}"
        async with engine.pool.connection() as connection, unit_of_work(connection):
            new = await create_members(connection, engine.key, self._town.partners[0], [name], engine.lanes)
        return str(new[name].public_id)

    async def _grant_caps(self) -> None:
        for number, (*_, points) in enumerate(CAPS[:-1]):
            await self.by_staff(GrantCap(cap=f"cap-{number}", points=points))

    async def by_staff(self, command: StaffCommand) -> Outcome:
        """Post a command of the staff under a key of its own."""
        engine = self._town.engine
        key = f"staff-{next(self._numbers)}"
        submission = await engine.intake.prepare(LEDGER_ITSELF, key, command, owner="s:staff")
        outcome = await engine.posters.submit(submission)
        engine.intake.forget_members()
        return outcome

    async def _approve(self, operation: str) -> str:
        approval = str(UUID(int=self._town.random.getrandbits(128)))
        async with self._town.engine.pool.connection() as connection, unit_of_work(connection):
            await connection.execute(
                "insert into approvals (approval_id, operation, requested_by, decided_by, decided_at, state) "
                "values (%s, %s, 'wen', 'xia', ledger_now(), 'approved')",
                [approval, operation],
            )
        return approval

    async def _note_posted(self, approval: str, outcome: Outcome) -> None:
        if not isinstance(outcome, Posted):
            return
        posted = outcome.own_entries[0].transaction
        async with self._town.engine.pool.connection() as connection, unit_of_work(connection):
            await connection.execute(
                "update approvals set state = 'posted', lane = %s, sequence = %s where approval_id = %s",
                [posted.lane, posted.sequence, approval],
            )
