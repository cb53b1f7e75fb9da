"""A sandbox ledger in which everything happens that can, posted by the real posters over forty days."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import psycopg

from ledger.ids import LedgerKey, transaction_id
from ledger.posting.engine import Engine
from ledger.posting.epochs import start_epoch
from ledger.rules.business_day import MICROSECONDS_PER_DAY, to_instant
from ledger.rules.commands import Earn, Expire, PartnerCommand, Redeem, Reverse, Submission, TakeBack
from ledger.rules.outcomes import Outcome, Posted
from ledger.rules.programmes import LEDGER_ITSELF, EarnRate
from ledger.store.ledger_row import create_ledger, set_sandbox_clock
from ledger.store.members import create_members
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import unit_of_work
from tests.audit.lively_life import Life
from tests.audit.told_stories import LANES

KEY = LedgerKey(b"a ledger key for the audit's tests")
MEMBERS = 9
FIRST_DAY = datetime(2030, 3, 1, 1, 0, tzinfo=UTC)
DAYS = 40
COMMANDS_PER_DAY = 22
EPOCHS = {12: bytes(range(16)), 25: bytes(range(16, 32))}
"""Identities of the epochs that begin, by the day."""

PROGRAMMES = (
    NewProgramme(code="SHORT", currency="CNY", zone="Asia/Shanghai", rules=NewRules(EarnRate(1, 100), validity_days=9)),
    NewProgramme(
        code="GRACE",
        currency="CNY",
        zone="Asia/Shanghai",
        rules=NewRules(EarnRate(3, 200), validity_days=12),
        restore_grace_days=4,
        cut_off_minutes=22 * 60,
    ),
    NewProgramme(
        code="BORNE",
        currency="CNY",
        zone="Asia/Shanghai",
        rules=NewRules(EarnRate(1, 100), validity_months=1),
        shortfall_policy="issuer",
    ),
)


async def fill_ledger(owner_url: str, service_url: str) -> None:
    """Found the ledger and let forty days pass in it."""
    with psycopg.connect(owner_url) as owner:
        create_ledger(owner, KEY, lanes=LANES, is_sandbox=True)
    async with Engine.open(service_url, KEY, groups=2) as engine:
        town = await LivelyTown.found(engine)
        for day in range(DAYS):
            if day in EPOCHS:
                await start_epoch(engine, EPOCHS[day], reason="a backup was restored")
            await town.live_a_day()


class LivelyTown:
    """Partners and members whose doings are drawn from a fixed seed."""

    def __init__(self, engine: Engine, partners: list[int], members: list[str]) -> None:
        self.engine = engine
        self.partners = partners
        self.members = members
        self.programmes = [programme.code for programme in PROGRAMMES]
        self.random = Random(7)
        self.life = Life(self)
        self._numbers = count(1)
        self._reversible: list[tuple[int, str]] = []
        self.now = to_instant(FIRST_DAY)

    @classmethod
    async def found(cls, engine: Engine) -> "LivelyTown":
        """Set up programmes, partners and members."""
        async with engine.pool.connection() as connection:
            await set_sandbox_clock(connection, to_instant(FIRST_DAY))
            async with unit_of_work(connection):
                partners = [
                    await add_partner(connection, code, code, "merchant") for code in ("BAKER", "METRO", "BANK")
                ]
                for programme in PROGRAMMES:
                    number = await add_programme(connection, programme)
                    for partner in partners:
                        await permit(connection, number, partner, may_issue=True, may_accept=True)
            async with unit_of_work(connection):
                names = [f"member-{number}" for number in range(MEMBERS)]
                members = await create_members(connection, engine.key, partners[0], names, engine.lanes)
            await engine.registry.refresh(connection)
        return cls(engine, partners, [str(member.public_id) for member in members.values()])

    async def live_a_day(self) -> None:
        """A day's commands, some of them at the same time; then the clock goes to the next day."""
        for _ in range(COMMANDS_PER_DAY // 2):
            await self.post(*self._command())
            await self.post(*self._command())
        await self.life.live_a_day()
        await self._expire_somebody()
        self.now += MICROSECONDS_PER_DAY + self.random.randrange(3600) * 1_000_000
        async with self.engine.pool.connection() as connection:
            await set_sandbox_clock(connection, self.now)

    async def post(self, partner: int, command: PartnerCommand) -> Outcome:
        """Post a command under a key of its own; what it posts may be reversed some day."""
        outcome = await self.tell(partner, command)
        if isinstance(outcome, Posted):
            for entry in outcome.own_entries:
                posted = entry.transaction
                identifier = transaction_id(posted.recorded_at, posted.lane, posted.sequence, entry.hash)
                self._reversible.append((partner, identifier))
        return outcome

    async def tell(self, partner: int, command: PartnerCommand) -> Outcome:
        """Post a command of a story, which nobody else reverses."""
        submission = await self.engine.intake.prepare(
            partner, f"key-{next(self._numbers)}", command, shows_balance=self.random.random() < 0.5
        )
        return await self.engine.posters.submit(submission)

    def _command(self) -> tuple[int, PartnerCommand]:
        draw = self.random
        partner, chance = draw.choice(self.partners), draw.random()
        programme, member = draw.choice(PROGRAMMES).code, draw.choice(self.members)
        if chance < 0.26 and self._reversible:
            partner, original = draw.choice(self._reversible[-draw.choice((30, 400)) :])
            return partner, Reverse(transaction=original, points=draw.choice((None, 1, 3, 7, 20)), reason="returned")
        if chance < 0.55:
            return partner, Redeem(
                programme=programme,
                member=member,
                points=draw.randint(1, 150),
                scene="food",
                channel="pos",
                outlet="7",
                cash_minor=draw.choice((None, 1_250)),
                currency="CNY",
            )
        if chance < 0.6:
            return partner, TakeBack(
                programme=programme,
                member=member,
                spend_minor=draw.randint(1, 9_000),
                currency="CNY",
                occurred_at=self.now - draw.randrange(3) * MICROSECONDS_PER_DAY,
            )
        return partner, self._earn(programme, member)

    def _earn(self, programme: str, member: str) -> Earn:
        draw = self.random
        by_spend = draw.random() < 0.5
        late = timedelta(days=draw.choice((0, 0, 0, 1, 15))) // timedelta(microseconds=1)
        pending = draw.random() < 0.15
        return Earn(
            programme=programme,
            member=member,
            scene="clothing",
            points=None if by_spend else draw.randint(1, 60),
            spend_minor=draw.randint(150, 9_000) if by_spend else None,
            currency="CNY" if by_spend else None,
            occurred_at=self.now - late,
            available_from=self.now + 2 * MICROSECONDS_PER_DAY if pending else None,
            reference=f"bill {next(self._numbers)}" if by_spend else None,
        )

    async def _expire_somebody(self) -> None:
        """What the expiry job does, for one member."""
        name = self.random.choice(self.members)
        member = await self.engine.intake.find_member(self.partners[0], name)
        assert member is not None
        for programme in PROGRAMMES:
            digest = hashlib.sha256(f"{next(self._numbers)}".encode()).digest()
            submission = Submission(
                command=Expire(programme=programme.code, member=name),
                partner=LEDGER_ITSELF,
                key_digest=digest,
                request_digest=digest[:16],
                lane=member.lane,
                member=member.number,
            )
            await self.engine.posters.submit(submission)
