"""Trials: what a command would do, decided on the true state of its lane and then rolled back.

A trial waits for its lane like a posting, so it sees what a posting at that moment would see.
"""

import asyncio
import contextlib

import psycopg
from psycopg import AsyncConnection

from ledger.errors import DatabaseUnavailable
from ledger.posting.registry_cache import RegistryCache
from ledger.posting.widening import lanes_of, sweep_submission, widened
from ledger.rules.commands import Submission
from ledger.rules.decide import decide
from ledger.rules.outcomes import Decided, NeedsLanes, NeedsLots, NeedsSweep, Posted, Refused
from ledger.rules.recording import record, refusal_facts
from ledger.store.lane_state import RegistryChanged, read_state
from ledger.store.unit_of_work import connect_poster, roll_back

ATTEMPTS = 8
RETRY_AFTER_SECONDS = 1


class Trials:
    """Tries commands, one after the other, over a connection of its own that is opened when first needed."""

    def __init__(self, url: str, registry: RegistryCache) -> None:
        self._url = url
        self._registry = registry
        self._turn = asyncio.Lock()
        self._connection: AsyncConnection | None = None

    async def run(self, submission: Submission) -> Posted | Refused:
        """Decide a command under a key never used, and forget it; nothing is recorded.

        Raises DatabaseUnavailable, and ClockBehind as a posting would.
        """
        async with self._turn:
            lanes: frozenset[int] = frozenset()
            try:
                for _ in range(ATTEMPTS):
                    outcome = await self._attempt(submission, lanes)
                    if isinstance(outcome, Posted | Refused):
                        return outcome
                    if outcome is not None:
                        lanes |= outcome
            except psycopg.Error as error:
                await self._disconnect()
                raise DatabaseUnavailable(
                    "The database could not be reached or the lane stayed locked; try again.",
                    retry_after_seconds=RETRY_AFTER_SECONDS,
                ) from error
        raise DatabaseUnavailable("The set-up kept changing; try again.", retry_after_seconds=RETRY_AFTER_SECONDS)

    async def close(self) -> None:
        """Close the connection."""
        async with self._turn:
            await self._disconnect()

    async def _attempt(self, submission: Submission, lanes: frozenset[int]) -> Posted | Refused | frozenset[int] | None:
        """Try once; lanes where it has to be tried again with these locked too, None after a newer set-up."""
        if self._connection is None:
            self._connection = await connect_poster(self._url)
        try:
            return await _outcome(self._connection, submission, self._registry, lanes)
        except RegistryChanged:
            await roll_back(self._connection)
            await self._registry.refresh(self._connection)
            return None
        finally:
            await roll_back(self._connection)

    async def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


async def _outcome(
    connection: AsyncConnection, submission: Submission, registry: RegistryCache, lanes: frozenset[int]
) -> Posted | Refused | frozenset[int]:
    set_up = registry.current
    locked = lanes_of([submission], set_up) | lanes
    state = await read_state(connection, locked, [submission], set_up)
    decision = decide(submission, state)
    if isinstance(decision, NeedsSweep) and len(state.lanes) == set_up.lanes:
        sweep = sweep_submission(decision.cap)
        swept = decide(sweep, state)
        if isinstance(swept, Decided):
            record(state, sweep, swept)
            state.registry = set_up.with_swept(decision.cap)
            decision = decide(submission, state)
    if isinstance(decision, NeedsSweep):
        return frozenset(range(set_up.lanes))
    if isinstance(decision, Decided):
        return record(state, submission, decision)
    if isinstance(decision, Refused):
        facts = refusal_facts(decision, shows_balance=submission.shows_balance)
        return Refused(decision.code, decision.detail, facts)
    if isinstance(decision, NeedsLanes | NeedsLots):
        return widened(submission, decision)
    raise TypeError(f"a trial cannot end in {type(decision).__name__}")
