"""What a loading of the demo city has come to, and the ids of what it posted."""

import msgspec

from ledger.ids import Place, transaction_id
from ledger.posting.engine import Engine
from ledger.rules.outcomes import Outcome, Posted, Replayed
from ledger.store.transaction_places import read_transaction_heads


class DemoLoaded(msgspec.Struct):
    """What the demo city holds, and how much of it this loading has posted.

    ``earnings``, ``redemptions``, ``returns``, ``holds``, ``ended_holds`` (captures and voids), ``gifts`` and
    ``by_staff`` are transactions, ``refused`` commands that a rule refused; all count what was there before,
    too. ``posted_now`` are the transactions of this loading.
    """

    citizens: int = 0
    partners: int = 0
    earnings: int = 0
    redemptions: int = 0
    returns: int = 0
    holds: int = 0
    ended_holds: int = 0
    gifts: int = 0
    by_staff: int = 0
    refused: int = 0
    posted_now: int = 0

    def count(self, what: str, outcome: Outcome) -> None:
        """Count a transaction under a field's name, or a refusal."""
        was_posted = isinstance(outcome, Replayed) and outcome.record.answer is None
        if not was_posted and not isinstance(outcome, Posted):
            self.refused += 1
            return
        self.posted_now += not was_posted
        setattr(self, what, getattr(self, what) + 1)


async def id_of(engine: Engine, outcome: Outcome) -> str | None:
    """The id of what was posted, now or before; None for what was refused."""
    if isinstance(outcome, Posted):
        entry = outcome.own_entries[0]
        transaction = entry.transaction
        return transaction_id(transaction.recorded_at, transaction.lane, transaction.sequence, entry.hash)
    if isinstance(outcome, Replayed) and outcome.record.lane is not None and outcome.record.sequence is not None:
        place = Place(outcome.record.lane, outcome.record.sequence)
        async with engine.pool.connection() as connection:
            head = (await read_transaction_heads(connection, [place]))[place]
        return transaction_id(head.recorded_at, head.lane, head.sequence, head.hash)
    return None
