"""The same commands by chance, through PostgreSQL and in memory: both write the same journal.

What a poster reads of its lanes, after any history and in any batches, must be what the rules would have had
if nothing had ever been written down.
"""

import pytest

from ledger.rules.journal import TransactionKind
from tests.databases import LedgerDatabase
from tests.store.two_ledgers import compare_what_is_kept, two_ledgers

BATCHES = 240

SELDOM = {
    TransactionKind.MERGE,
    TransactionKind.MOVE,
    TransactionKind.WRITE_OFF,
    TransactionKind.FREEZE,
    TransactionKind.UNFREEZE,
    TransactionKind.CLOSE,
    TransactionKind.COVER_LOW,
}
"""Kinds that a history may do without; told stories, or tests of covers, have them all."""

NOT_COMMANDED = {TransactionKind.SETTLE, TransactionKind.MONEY, TransactionKind.EPOCH}
"""Kinds of settlement's steps and of restored ledgers: the first have tests of their own, told stories the last."""


@pytest.mark.parametrize("seed", range(4))
async def test_postgres_and_memory_write_the_same_journal(database: LedgerDatabase, seed: int) -> None:
    async with two_ledgers(database, seed) as both:
        for _ in range(BATCHES):
            await both.post_a_batch()
        assert {entry.transaction.kind for entry in both.written} >= set(TransactionKind) - SELDOM - NOT_COMMANDED
        await compare_what_is_kept(both)
