"""What the tests of reading post with: a sandbox clock, partners by name, outcomes as views."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
from psycopg import AsyncConnection

from ledger.ids import LedgerKey, Place
from ledger.posting.engine import Engine
from ledger.reading.transactions import TransactionView, read_views, view_posted
from ledger.rules.business_day import to_instant
from ledger.rules.commands import Earn, Expire, PartnerCommand, Redeem, Reverse, Submission, TakeBack
from ledger.rules.outcomes import Outcome, Posted
from ledger.rules.programmes import EarnRate, Programme
from ledger.store.ledger_row import set_sandbox_clock
from ledger.store.members import Member, create_members
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import unit_of_work

KEY = LedgerKey(b"a key that only these tests know!")
OPENING = datetime(2026, 1, 5, 9, tzinfo=UTC)


def instant(text: str) -> int:
    """An instant from a UTC time such as ``2026-01-05 09:00``."""
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


class Town:
    """One sandbox ledger: programmes CITY (90 days, grace 0) and GRACE (90 days, grace 10), in Shanghai."""

    def __init__(self, engine: Engine, partners: dict[str, int]) -> None:
        self.engine = engine
        self.partners = partners
        self._posted = 0

    @classmethod
    async def found(cls, engine: Engine) -> Self:
        """Set up partners, programmes and the member ``ann``."""
        async with engine.pool.connection() as connection:
            await set_sandbox_clock(connection, to_instant(OPENING))
            async with unit_of_work(connection):
                partners = {
                    "BAKER": await add_partner(connection, "BAKER", "Baker", "merchant"),
                    "BANK": await add_partner(connection, "BANK", "Bank", "bank"),
                }
                for code, grace_days in (("CITY", 0), ("GRACE", 10)):
                    rules = NewRules(EarnRate(1, 100), validity_days=90)
                    programme = await add_programme(
                        connection,
                        NewProgramme(
                            code=code,
                            currency="CNY",
                            zone="Asia/Shanghai",
                            rules=rules,
                            restore_grace_days=grace_days,
                        ),
                    )
                    for partner in partners.values():
                        await permit(connection, programme, partner, may_issue=True, may_accept=True)
            await engine.registry.refresh(connection)
        town = cls(engine, partners)
        await town.add_member("ann")
        return town

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection of the service's pool."""
        async with self.engine.pool.connection() as connection:
            yield connection

    def programme(self, code: str = "CITY") -> Programme:
        """A programme by its code."""
        return self.engine.registry.current.programmes[code]

    async def add_member(self, name: str) -> None:
        """Create a member that every partner knows by the baker's reference."""
        async with self.connection() as connection, unit_of_work(connection):
            await create_members(connection, KEY, self.partners["BAKER"], [name], self.engine.lanes)

    async def add_programme(self, code: str, validity_days: int | None = None) -> None:
        """Add a programme in which points do not expire, or after so many days, and every partner may do everything."""
        async with self.connection() as connection:
            async with unit_of_work(connection):
                rules = NewRules(EarnRate(1, 100), validity_days=validity_days)
                new = NewProgramme(code=code, currency="CNY", zone="Asia/Shanghai", rules=rules)
                programme = await add_programme(connection, new)
                for partner in self.partners.values():
                    await permit(connection, programme, partner, may_issue=True, may_accept=True)
            await self.engine.registry.refresh(connection)

    async def member(self, name: str = "ann") -> Member:
        """Where a member is."""
        member = await self.engine.intake.find_member(self.partners["BAKER"], f"ref:{name}")
        assert member is not None
        return member

    async def set_clock(self, text: str) -> None:
        """Move the ledger's time."""
        async with self.connection() as connection:
            await set_sandbox_clock(connection, instant(text))

    def next_key(self) -> str:
        """An idempotency key that was not used yet."""
        self._posted += 1
        return f"key-{self._posted}"

    async def submit(
        self, partner: str, command: PartnerCommand, *, key: str | None = None, shows_balance: bool = True
    ) -> Outcome:
        """Submit a command, whose member is named by the baker's reference, and give its outcome."""
        next_key = self.next_key()
        submission = await self.engine.intake.prepare(
            self.partners[partner], key or next_key, command, shows_balance=shows_balance
        )
        if isinstance(command, Earn | Redeem | TakeBack):
            member = await self.member(command.member.removeprefix("ref:"))
            submission = msgspec.structs.replace(submission, lane=member.lane, member=member.number)
        return await self.engine.posters.submit(submission)

    async def post(self, partner: str, command: PartnerCommand, key: str | None = None) -> list[TransactionView]:
        """Post a command; its views must be the same from the outcome and from the journal."""
        outcome = await self.submit(partner, command, key=key)
        assert isinstance(outcome, Posted), outcome
        views = await view_posted(self.engine.pool, outcome, self.engine.registry.current)
        places = [Place(view.lane, view.sequence) for view in views]
        async with self.connection() as connection:
            read = await read_views(connection, self.engine.registry.current, places)
        assert [read[place] for place in places] == views
        return views

    async def earn(
        self, points: int | None, partner: str = "BAKER", key: str | None = None, **fields: object
    ) -> TransactionView:
        """Earn stated points."""
        values: dict[str, Any] = {"programme": "CITY", "member": "ref:ann", "scene": "food", "points": points}
        [view] = await self.post(partner, Earn(**values | fields), key=key)
        return view

    async def spend(self, spend_minor: int, partner: str = "BAKER", **fields: object) -> TransactionView:
        """Earn by a spend, in fen."""
        values: dict[str, Any] = {"spend_minor": spend_minor, "currency": "CNY", **fields}
        return await self.earn(None, partner, **values)

    async def redeem(self, points: int, partner: str = "BAKER", **fields: object) -> TransactionView:
        """Redeem points."""
        values: dict[str, Any] = {"programme": "CITY", "member": "ref:ann", "scene": "food", "points": points}
        [view] = await self.post(partner, Redeem(**values | fields))
        return view

    async def reverse(self, original: TransactionView, partner: str = "BAKER", **fields: object) -> TransactionView:
        """Reverse a transaction, or a part of it."""
        values: dict[str, Any] = {"transaction": original.id, **fields}
        [view] = await self.post(partner, Reverse(**values))
        return view

    async def take_back(self, spend_minor: int, occurred_at: int, partner: str = "BAKER") -> list[TransactionView]:
        """Take back spend of earlier earns."""
        command = TakeBack(
            programme="CITY", member="ref:ann", spend_minor=spend_minor, currency="CNY", occurred_at=occurred_at
        )
        return await self.post(partner, command)

    async def expire(self, programme: str = "CITY", name: str = "ann") -> list[TransactionView]:
        """Post what has lapsed; the views of the expiries, in order."""
        member = await self.member(name)
        self._posted += 1
        digest = KEY.key_digest("ledger", f"expire-{self._posted}")
        submission = Submission(
            command=Expire(programme=programme, member=f"ref:{name}"),
            partner=0,
            key_digest=digest,
            request_digest=digest[:16],
            lane=member.lane,
            member=member.number,
        )
        outcome = await self.engine.posters.submit(submission)
        assert isinstance(outcome, Posted), outcome
        places = [Place(entry.transaction.lane, entry.transaction.sequence) for entry in outcome.entries]
        async with self.connection() as connection:
            views = await read_views(connection, self.engine.registry.current, places)
        return [views[place] for place in places]
