"""One ledger in PostgreSQL and one in memory, driven by the same commands at the same times."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from itertools import count
from random import Random
from typing import Any

import msgspec
import psycopg
from msgspec.structs import replace

from ledger.audit import audit
from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.rules.accounts import MEMBER_KINDS
from ledger.rules.commands import AnyCommand, Atomic, Expire, Notice, StartEpoch, Submission
from ledger.rules.decisions.notices import notice_key
from ledger.rules.journal import JournalEntry, ParticularTransaction, Transaction
from ledger.rules.outcomes import Outcome, Posted, Refused, Replayed
from ledger.rules.programmes import EarnRate
from ledger.store.epochs import NewEpoch, add_epoch
from ledger.store.exchange_rates import NewExchangeRate, add_exchange_rate
from ledger.store.ledger_row import set_sandbox_clock
from ledger.store.registry_writes import NewProgramme, NewRules, add_programme, permit
from ledger.store.unit_of_work import unit_of_work
from tests.builders import BANK, DAY, HOUR, NOON, SUPERMARKET, id_of, programme, registry, submission, version
from tests.databases import LedgerDatabase
from tests.rarer_builders import APPROVAL, WRITE_OFF_APPROVAL, cap, exchange_rate
from tests.rules.ledger_in_memory import LedgerInMemory
from tests.store.drawing import CAPPED_SCENE, Drawing, partner_of
from tests.store.ledger_in_postgres import LANES, MEMBERS, Desk, LedgerInPostgres, open_ledger

GIFT_LIMIT = 120
CAPS = (
    cap(number=1, code="FAIR", scene=CAPPED_SCENE, home_lane=3),
    cap(number=2, code="BANK-FAIR", partner=BANK, scene=CAPPED_SCENE, home_lane=1),
)
CITY = programme(
    versions=(version(validity_months=None, validity_days=3),), restore_grace_days=2, gift_points_a_month=GIFT_LIMIT
)
STARTS_ON = date(2026, 11, 24)
RATES = (
    exchange_rate(starts_on=STARTS_ON),
    exchange_rate(number=2, source=2, target=1, starts_on=STARTS_ON, issuer=SUPERMARKET, give=1, get=3),
)
PARK = programme(number=2, code="PARK", gift_points_a_month=GIFT_LIMIT)

DIGESTS = {"key_digest", "request_digest"}
STAFF = "staff:somebody"


class Asked(msgspec.Struct, frozen=True):
    """A command as each of the ledgers knows it, with its key and its partner's number."""

    in_memory: AnyCommand
    in_postgres: AnyCommand
    key: str
    partner: int


class TwoLedgers:
    """Submits what is drawn to both ledgers, and compares every outcome."""

    def __init__(self, desk: Desk, memory: LedgerInMemory, seed: int) -> None:
        self.desk = desk
        self.memory = memory
        self.random = Random(seed)
        self.drawing = Drawing(memory, self.random)
        self.keys = count(1)
        self.twins: dict[str, str] = {}
        """Ids of transactions in memory to those in PostgreSQL."""
        self.asked: list[Asked] = []
        self.codes: set[str] = set()

    @property
    def written(self) -> list[JournalEntry]:
        """All that has been posted."""
        return self.memory.state.entries

    async def post_a_batch(self) -> None:
        """Let some time pass, submit one batch to both, and compare every outcome."""
        await self.pass_time(self.random.choice([0, 0, HOUR, HOUR, 2 * HOUR, DAY // 3]))
        await self.post([self._ask(command) for command in self.drawing.batch()])

    async def pass_time(self, microseconds: int) -> None:
        """Set both clocks on."""
        self.memory.advance_to(self.memory.now + microseconds)
        async with self.desk.ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, self.memory.now)

    async def post(self, batch: list[Asked]) -> list[Outcome]:
        """Submit one batch to both, compare every outcome, and return those in memory."""
        self.asked += batch
        submissions = [await self._in_postgres(asked) for asked in batch]
        new_numbers = [submitted.new_number for submitted in submissions]
        futures = [self.desk.posters.enqueue(submitted) for submitted in submissions]
        outcomes: list[Outcome] = []
        for asked, new_number, future in zip(batch, new_numbers, futures, strict=True):
            expected = self.memory.submit(self._in_memory(asked, new_number))
            self._compare(expected, await future)
            outcomes.append(expected)
        return outcomes

    async def entry(self, command: AnyCommand, partner: int | None = None) -> JournalEntry:
        """Submit a command to both that must be posted; returns the first of its own transactions in memory."""
        [outcome] = await self.post([self.asking(command, partner)])
        assert isinstance(outcome, Posted), outcome
        return outcome.own_entries[0] if outcome.own_entries else outcome.entries[-1]

    async def refuse(self, command: AnyCommand, code: str) -> None:
        """Submit a command to both that must be refused."""
        [outcome] = await self.post([self.asking(command)])
        assert isinstance(outcome, Refused)
        assert outcome.code == code

    async def begin_epoch(self, identity: bytes) -> None:
        """Begin an epoch in every lane of both, in one batch."""
        async with self.desk.ledger.pool.connection() as connection:
            epoch = await add_epoch(connection, NewEpoch(identity=identity, reason="restored"))
        assert epoch is not None
        command = StartEpoch(number=epoch.number, identity=identity.hex())
        futures = [self.desk.posters.enqueue(self.memory.submission(command, lane=lane)) for lane in range(LANES)]
        for lane, future in enumerate(futures):
            self._compare(self.memory.submit(self.memory.submission(command, lane=lane)), await future)

    def _ask(self, command: AnyCommand) -> Asked:
        if self.asked and self.random.random() < 0.04:
            return self.random.choice(self.asked)
        return self.asking(command)

    def asking(self, command: AnyCommand, partner: int | None = None) -> Asked:
        """A command for both, of the partner named or of one that fits."""
        if partner is None:
            partner = partner_of(command, self.memory, self.random)
        return Asked(command, self._translated(command), f"k{next(self.keys)}", partner)

    def _translated(self, command: Any) -> Any:
        """The command by the names of the ledger in PostgreSQL."""
        if isinstance(command, Atomic):
            return Atomic(items=tuple(replace(item, command=self._translated(item.command)) for item in command.items))
        names = {
            name: self.desk.ledger.members[int(getattr(command, name)[1:]) - 1]
            for name in ("member", "receiver", "into")
            if hasattr(command, name)
        }
        ids = {name: self.twins[getattr(command, name)] for name in ("transaction", "hold") if hasattr(command, name)}
        return replace(command, **names, **ids)

    def _in_memory(self, asked: Asked, new_number: int | None) -> Submission:
        resolved: dict[str, Any] = {"partner": asked.partner}
        if new_number is not None:
            resolved["new_number"] = new_number
        submitted = self.memory.submission(asked.in_memory, key=asked.key, **resolved)
        for item in submitted.items:
            item.shows_balance = False
        return submitted

    async def _in_postgres(self, asked: Asked) -> Submission:
        command: Any = asked.in_postgres
        if not isinstance(command, Expire | Notice):
            owner = None if asked.partner else STAFF
            return await self.desk.intake.prepare(asked.partner, asked.key, command, owner=owner, shows_balance=True)
        member = await self.desk.intake.find_member(0, command.member)
        assert member is not None
        made = submission(command, asked.key, lane=member.lane, member=member.number, partner=0)
        if isinstance(command, Notice):
            made.key_digest = notice_key(command.member, 1, command.expires_on, command.days_before)
            made.request_digest = made.key_digest[:REQUEST_DIGEST_BYTES]
        return made

    def _compare(self, expected: Outcome, got: Outcome) -> None:
        assert type(got) is type(expected), (expected, got)
        if isinstance(expected, Refused) and isinstance(got, Refused):
            assert got.code == expected.code
            self.codes.add(got.code)
        if isinstance(expected, Replayed) and isinstance(got, Replayed):
            for name in ("lane", "sequence", "transactions"):
                assert getattr(got.record, name) == getattr(expected.record, name)
        if isinstance(expected, Posted) and isinstance(got, Posted):
            for here, there in zip(expected.entries, got.entries, strict=True):
                assert essence(there) == essence(here), difference(essence(here), essence(there))
                self.twins[id_of(here)] = id_of(there)
            assert len(got.own_entries) == len(expected.own_entries)
            assert got.unmatched_minor == expected.unmatched_minor
            assert got.lots.keys() == expected.lots.keys()


def difference(here: dict[str, object], there: dict[str, object]) -> str:
    """Where two transactions differ, for whoever has to find out why."""
    return "; ".join(f"{name}: {here[name]} but {there[name]}" for name in here if here[name] != there[name])


def essence(entry: JournalEntry) -> dict[str, object]:
    """A transaction without its digests; fundings by the number of their partner."""
    posted = entry.transaction
    fields = {name: getattr(posted, name) for name in Transaction.__struct_fields__ if name not in DIGESTS}
    fields["postings"] = [
        replace(posting, debit_owner=posting.debit_owner % 100, credit_owner=posting.credit_owner % 100)
        for posting in posted.postings
    ]
    fields["lots"] = [replace(lot, funding=lot.funding % 100) for lot in posted.lots]
    fields["particulars"] = posted.particulars if isinstance(posted, ParticularTransaction) else None
    return fields


@asynccontextmanager
async def two_ledgers(database: LedgerDatabase, seed: int) -> AsyncIterator[TwoLedgers]:
    """Two programmes, eight members over four lanes and two caps, here and there."""
    rules = NewRules(EarnRate(1, 100), validity_days=3)
    shape: dict[str, Any] = {"is_sandbox": True, "rules": rules, "restore_grace_days": 2, "maximum_age_days": 60}
    async with open_ledger(database, **shape) as ledger:
        await add_park(ledger)
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("update programmes set gift_points_a_month = %s", [GIFT_LIMIT])
            for one in CAPS:
                owner.execute(
                    "insert into caps (code, programme, partner, scene, home_lane) values (%s, %s, %s, %s, %s)",
                    [one.code, one.programme, one.partner, one.scene, one.home_lane],
                )
            for approval, operation in ((APPROVAL, "adjust"), (WRITE_OFF_APPROVAL, "write-off")):
                owner.execute(
                    "insert into approvals (approval_id, operation, requested_by, state, decided_by)"
                    " values (%s, %s, 'one', 'approved', 'another')",
                    [approval, operation],
                )
        async with ledger.pool.connection() as connection:
            # First: a rate that was added later than it was used is none that the audit finds in force.
            await set_sandbox_clock(connection, NOON)
            for rate in RATES:
                fields = (rate.source, rate.target, rate.issuer, rate.starts_on, rate.give, rate.get, rate.price_micros)
                async with unit_of_work(connection):
                    await add_exchange_rate(connection, NewExchangeRate(*fields))
        async with ledger.posters() as desk:
            set_up = registry(CITY, PARK, lanes=LANES, caps=CAPS)
            set_up = replace(set_up, exchange_rates={rate.number: rate for rate in RATES})
            memory = LedgerInMemory(lanes=LANES, members=range(1, MEMBERS + 1), set_up=set_up)
            yield TwoLedgers(desk, memory, seed)


async def add_park(ledger: LedgerInPostgres) -> None:
    """Add the second programme."""
    rules = NewRules(EarnRate(1, 100), validity_months=24)
    new = NewProgramme(code="PARK", currency="CNY", zone="Asia/Shanghai", rules=rules, maximum_age_days=60)
    async with ledger.pool.connection() as connection, unit_of_work(connection):
        number = await add_programme(connection, new)
        for partner in ledger.partners:
            await permit(connection, number, partner, may_issue=True, may_accept=True)


async def compare_what_is_kept(both: TwoLedgers) -> None:
    """Every projection in PostgreSQL is what memory has, and the auditor finds it sound."""
    report = await audit(both.desk.ledger.pool)
    assert report.is_clean, report.differences[:3]
    ledger, state = both.desk.ledger, both.memory.state
    assert await ledger.transactions() == len(both.written)
    lots = await ledger.rows("select lane, lot, member, remaining, held, expired, expiries from lots order by 1, 2")
    assert lots == [
        (lot.lane, lot.lot, lot.member, lot.remaining, lot.held, lot.expired, lot.expiries)
        for _, lot in sorted(state.lots.items())
    ]
    holds = await ledger.rows("select lane, sequence, remaining, moved_lane, moved_sequence from holds order by 1, 2")
    assert holds == [
        (*place, held.remaining, *(held.moved_to or (None, None))) for place, held in sorted(state.holds.items())
    ]
    parts = await ledger.rows("select lane, hold, lot, remaining from hold_lots order by 1, 2, 3")
    assert parts == sorted((*place, *part) for place, held in state.holds.items() for part in held.lots.items())
    points = await ledger.rows(
        "select member, programme, posted, held, shortfall from member_points"
        " where posted + held + shortfall > 0 order by 1, 2"
    )
    assert points == sorted(
        (member.number, number, p.posted, p.held, p.shortfall)
        for member in state.members.values()
        for number, p in member.points.items()
        if p.posted + p.held + p.shortfall
    )
    members = await ledger.rows("select member, lane, status, into_lane, into_member from members order by 1")
    assert members == [
        (number, member.lane, member.status, *(member.into or (None, None)))
        for number, member in sorted(state.members.items())
    ]
    gifts = await ledger.rows("select member, programme, month, given, received from gift_months order by 1, 2, 3")
    assert gifts == [
        (*key, month.given, month.received)
        for key, month in sorted(state.gift_months.items())
        if month.given + month.received
    ]
    await compare_parties(both)


async def compare_parties(both: TwoLedgers) -> None:
    """Sub-accounts, caps and the rows of particulars and origins."""
    ledger, state = both.desk.ledger, both.memory.state
    parties = await ledger.rows("select lane, kind, owner, programme, balance from party_balances where balance <> 0")
    assert sorted(parties) == sorted(
        (lane, kind, owner % 100, number, change)
        for (lane, kind, owner, number), change in state.party_changes.items()
        if change and kind not in MEMBER_KINDS
    )
    swept = await ledger.rows("select cap, is_swept from caps order by cap")
    assert swept == [(one.number, one.is_swept) for one in state.registry.caps]
    particular = [entry for entry in both.written if isinstance(entry.transaction, ParticularTransaction)]
    assert await ledger.value("select count(*) from particulars") == len(particular)
    assert await ledger.value("select count(*) from lot_origins") == len(state.origins)
