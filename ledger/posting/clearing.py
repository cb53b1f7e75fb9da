"""The way in for settlement: its own rows, points and money, in one unit of work under the clearing lane's lock.

Every step of settlement that changes anything runs here. The clearing lane's row is its only lock, so steps
come one after the other, whichever process they run in; a step looks at what is there before it acts, so it
may be run again from the start after a lost connection, and a killed one has left nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection

from ledger.errors import DatabaseUnavailable
from ledger.ids import Place
from ledger.posting.engine import Engine
from ledger.posting.widening import widened
from ledger.rules.commands import Clear, Submission, key_digests
from ledger.rules.decide import decide
from ledger.rules.money_postings import CLEARING_LANE
from ledger.rules.outcomes import Decided, NeedsLanes, NeedsLots, Posted, Refused
from ledger.rules.programmes import LEDGER_ITSELF, Registry
from ledger.rules.recording import record
from ledger.rules.state import LedgerState
from ledger.store.lane_state import RegistryChanged, read_state
from ledger.store.lane_writes import write_state
from ledger.store.unit_of_work import limit_waiting, may_succeed_again, roll_back

OWNER = "l:settlement"
ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.02
RETRY_AFTER_SECONDS = 1

T = TypeVar("T")


class _MoreLanes(Exception):
    """A command needs other lanes than those locked: run the step again with them."""

    def __init__(self, lanes: frozenset[int]) -> None:
        super().__init__()
        self.lanes = lanes


class ClearingUnit:
    """One unit of work of settlement. What ``post`` and ``submit`` record is written and committed at its end."""

    def __init__(self, engine: Engine, connection: AsyncConnection, state: LedgerState) -> None:
        self.connection = connection
        self._engine = engine
        self._state = state

    @property
    def registry(self) -> Registry:
        """The set-up at this moment."""
        return self._state.registry

    @property
    def now(self) -> int:
        """The instant that this unit of work records."""
        return self._state.lanes[CLEARING_LANE].now

    def post(self, command: Clear, key: str) -> Place:
        """Record what a step posts, under the step's own ``key``, which is used once for ever.

        Raises TypeError where the ledger refuses it: its step asked for what cannot be.
        """
        key_digest, request_digest = key_digests(self._engine.key, OWNER, key, command)
        submission = Submission(
            command=command,
            partner=LEDGER_ITSELF,
            key_digest=key_digest,
            request_digest=request_digest,
            lane=CLEARING_LANE,
        )
        posted = self.submit(submission)
        if not isinstance(posted, Posted):
            raise TypeError(f"a step of settlement was refused: {posted.code}")
        transaction = posted.own_entries[0].transaction
        return Place(transaction.lane, transaction.sequence)

    def submit(self, submission: Submission) -> Posted | Refused:
        """Decide and record a command that this unit of work was opened with; the step sees what a rule refuses."""
        decision = decide(submission, self._state)
        if isinstance(decision, Decided):
            return record(self._state, submission, decision)
        if isinstance(decision, NeedsLanes | NeedsLots):
            raise _MoreLanes(widened(submission, decision))
        if isinstance(decision, Refused):
            return decision
        raise TypeError(f"a step of settlement cannot end in {type(decision).__name__}")


Step = Callable[[ClearingUnit], Awaitable[T]]


async def clear(engine: Engine, step: Step[T], submissions: Sequence[Submission] = ()) -> T:
    """Run a step of settlement in a unit of work, and again from its start when another was first.

    ``submissions`` are commands on members that the step may submit: their lanes are locked and read as well.
    Raises what the step raises, with nothing changed; DatabaseUnavailable after many attempts in vain.
    """
    lanes = frozenset({CLEARING_LANE, *(submission.lane for submission in submissions)})
    pause_seconds = FIRST_PAUSE_SECONDS
    for _ in range(ATTEMPTS):
        try:
            async with engine.pool.connection() as connection:
                return await _attempt(engine, connection, step, submissions, lanes)
        except _MoreLanes as more:
            lanes |= more.lanes
        except RegistryChanged:
            async with engine.pool.connection() as connection:
                await engine.registry.refresh(connection)
        except psycopg.Error as error:
            if not (isinstance(error, psycopg.OperationalError) or may_succeed_again(error)):
                raise
            await asyncio.sleep(pause_seconds)
            pause_seconds *= 2
    raise DatabaseUnavailable(
        "The database could not be reached or stayed locked; nothing was changed, try again.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


async def _attempt(
    engine: Engine, connection: AsyncConnection, step: Step[T], submissions: Sequence[Submission], lanes: frozenset[int]
) -> T:
    try:
        state = await read_state(connection, lanes, submissions, engine.registry.current)
        await limit_waiting(connection)
        result = await step(ClearingUnit(engine, connection, state))
        await write_state(connection, state)
    except BaseException:
        with contextlib.suppress(psycopg.Error):
            await roll_back(connection)
        raise
    return result
