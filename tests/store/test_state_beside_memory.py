"""The same commands, through PostgreSQL and in memory: both write the same journal.

What a poster reads of a lane, after any history and in any batches, must be what the rules would have had
if nothing had ever been written down.
"""

from itertools import count
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.rules.commands import Earn, Expire, PartnerCommand, Redeem, Reverse, Submission, TakeBack
from ledger.rules.journal import JournalEntry, Transaction, TransactionKind
from ledger.rules.outcomes import Outcome, Posted, Refused
from ledger.rules.programmes import EarnRate
from ledger.store.ledger_row import set_sandbox_clock
from ledger.store.registry_writes import NewRules
from tests.builders import (
    BANK,
    DAY,
    HOUR,
    NOON,
    SUPERMARKET,
    earn,
    expire,
    programme,
    redeem,
    reverse,
    submission,
    take_back,
    version,
)
from tests.databases import LedgerDatabase
from tests.rules.ledger_in_memory import LedgerInMemory
from tests.store.ledger_in_postgres import Desk, open_ledger

DIGESTS = {"key_digest", "request_digest"}
WHATS = (
    "earn",
    "spend",
    "late",
    "pending",
    "redeem",
    "redeem",
    "redeem",
    "reverse",
    "reverse",
    "return",
    "back",
    "expire",
)

Command = PartnerCommand | Expire


class Asked(msgspec.Struct, frozen=True):
    """A command as each of the ledgers knows it, with its key and its partner (0 or 1)."""

    in_memory: Command
    in_postgres: Command
    key: str
    partner: int


class TwoLedgers:
    """Drives one member of both ledgers with the same commands at the same times."""

    def __init__(self, desk: Desk, seed: int) -> None:
        rules = (version(validity_months=None, validity_days=3),)
        self.desk = desk
        self.memory = LedgerInMemory(programme(versions=rules, restore_grace_days=2))
        self.random = Random(seed)
        self.keys = count(1)
        self.written: list[tuple[JournalEntry, JournalEntry]] = []
        self.asked: list[Asked] = []

    async def post_a_batch(self) -> None:
        """Let some time pass, submit one batch to both, and compare every outcome."""
        self.memory.advance_to(self.memory.now + self.random.choice([0, HOUR, HOUR, DAY]))
        async with self.desk.ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, self.memory.now)
        batch = [self._draw() for _ in range(self.random.choice([1, 1, 3, 6]))]
        self.asked += batch
        submissions = [await self._in_postgres(asked) for asked in batch]
        futures = [self.desk.posters.enqueue(submission) for submission in submissions]
        for asked, future in zip(batch, futures, strict=True):
            expected = self.memory.submit(self._in_memory(asked))
            self._compare(expected, await future)

    def _in_memory(self, asked: Asked) -> Submission:
        named_otherwise = isinstance(asked.in_memory, Reverse)
        resolved: dict[str, Any] = {} if named_otherwise else {"partner": (BANK, SUPERMARKET)[asked.partner]}
        return self.memory.submission(asked.in_memory, key=asked.key, **resolved)

    async def _in_postgres(self, asked: Asked) -> Submission:
        if not isinstance(asked.in_postgres, Expire):
            return await self.desk.submission(asked.in_postgres, asked.key, asked.partner)
        member = await self.desk.intake.find_member(0, asked.in_postgres.member)
        assert member is not None
        return submission(asked.in_postgres, asked.key, lane=member.lane, member=member.number, partner=0)

    def _draw(self) -> Asked:
        if self.asked and self.random.random() < 0.05:
            return self.random.choice(self.asked)
        what, amount = self.random.choice(WHATS), self.random.randint(1, 60)
        key, partner = f"k{next(self.keys)}", self.random.randrange(2)
        wanted = TransactionKind.REDEEM if what == "return" else TransactionKind.EARN
        originals = [pair for pair in self.written if pair[0].transaction.kind == wanted]
        if what in ("reverse", "return") and originals:
            here, there = self.random.choice(originals[-6:])
            part: dict[str, Any] = self.random.choice(
                [{}, {"points": amount // 3 + 1}, {"spend_minor": amount * 33, "currency": "CNY"}]
            )
            return Asked(reverse(here, **part), reverse(there, **part), key, here.transaction.partner - 1)
        command = self._command(what, amount)
        there_too = msgspec.structs.replace(command, member=self.desk.ledger.members[0])
        return Asked(command, there_too, key, partner)

    def _command(self, what: str, amount: int) -> Earn | Redeem | TakeBack | Expire:
        now = self.memory.now
        if what == "redeem":
            return redeem(amount)
        if what == "back":
            return take_back(amount * 77, occurred_at=now)
        if what == "expire":
            return expire()
        if what == "spend":
            return earn(spend_minor=amount * 111)
        if what == "late":
            return earn(amount, occurred_at=now - amount % 5 * DAY)
        return earn(amount, available_from=now + DAY) if what == "pending" else earn(amount)

    def _compare(self, expected: Outcome, got: Outcome) -> None:
        assert type(got) is type(expected), (expected, got)
        if isinstance(expected, Refused) and isinstance(got, Refused):
            assert got.code == expected.code
        if isinstance(expected, Posted) and isinstance(got, Posted):
            pairs = list(zip(expected.entries, got.entries, strict=True))
            for here, there in pairs:
                assert essence(there) == essence(here)
            assert got.unmatched_minor == expected.unmatched_minor
            assert got.lots.keys() == expected.lots.keys()
            self.written += pairs


def essence(entry: JournalEntry) -> dict[str, object]:
    """A transaction without its digests; fundings by the number of their partner."""
    fields = {name: getattr(entry.transaction, name) for name in Transaction.__struct_fields__ if name not in DIGESTS}
    fields["postings"] = [
        msgspec.structs.replace(posting, debit_owner=posting.debit_owner % 100, credit_owner=posting.credit_owner % 100)
        for posting in entry.transaction.postings
    ]
    fields["lots"] = [msgspec.structs.replace(lot, funding=lot.funding % 100) for lot in entry.transaction.lots]
    return fields


@pytest.mark.parametrize("seed", range(4))
async def test_postgres_and_memory_write_the_same_journal(database: LedgerDatabase, seed: int) -> None:
    rules = NewRules(EarnRate(1, 100), validity_days=3)
    shape: dict[str, Any] = {"is_sandbox": True, "rules": rules, "restore_grace_days": 2, "maximum_age_days": 60}
    async with open_ledger(database, **shape) as ledger, ledger.posters() as desk:
        async with ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, NOON)
        both = TwoLedgers(desk, seed)
        for _ in range(80):
            await both.post_a_batch()
        assert {entry.transaction.kind for entry, _ in both.written} == set(TransactionKind)
        assert await ledger.transactions() == len(both.written) > 100
        assert await ledger.value("select count(*) from lots where restored_from is not null") > 0
        assert await ledger.value("select count(*) from shortfalls where remaining < original") > 0
        posted = await ledger.value("select posted from member_points")
        assert posted == both.memory.points().posted
