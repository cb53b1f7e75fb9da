"""Posting a batch: decided in one unit of work under the locks of its lanes, and answered after the commit.

What asks for more than was read for it runs again, alone; what the database refuses is tried again, and a command
that spoils its batch is found by halving it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from time import perf_counter

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection

from ledger.errors import ClockBehind, DatabaseUnavailable, LedgerError
from ledger.posting import measurements
from ledger.posting.registry_cache import RegistryCache
from ledger.posting.widening import lanes_of, sweep_submission, widened
from ledger.rules.atomic import decide_atomic
from ledger.rules.commands import Earn, Expire, Merge, Move, Notice, Submission, SweepCap
from ledger.rules.outcomes import Decided, Decision, Needs, NeedsSweep, Outcome, Posted, Refused
from ledger.rules.recording import record, record_refusal, refusal_facts
from ledger.rules.state import LedgerState
from ledger.store.lane_state import RegistryChanged, read_state
from ledger.store.lane_writes import write_state
from ledger.store.unit_of_work import DISCARD_PLANS, connect_poster, may_succeed_again, roll_back

MAXIMUM_BATCH = 500
MOST_ROUNDS = 64
ATTEMPTS = 8
# How often in a row the set-up may change between its reading and the locking of lanes.
MOST_CHANGES = 50
FIRST_PAUSE_SECONDS = 0.01
RETRY_AFTER_SECONDS = 1

Decide = Callable[[Submission, LedgerState], Decision]

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class Waiting(msgspec.Struct):
    """A submission in the queue, with its caller."""

    submission: Submission
    future: "asyncio.Future[Outcome]"
    arrived: float
    rounds: int = 0
    """How often it has asked to be decided again, alone."""


Deferred = tuple[Waiting, Needs | None]
"""A command to be posted again, alone, with what it asked for; None: it came after such a one."""


TakeBehind = Callable[[Sequence[Waiting]], list[Waiting]]
"""Takes out of the queue what waits for the same lanes as a batch that has failed."""


class BatchPoster:
    """Posts one batch at a time over a connection of its own."""

    def __init__(self, url: str, registry: RegistryCache, decide_command: Decide, take_behind: TakeBehind) -> None:
        self._url = url
        self._registry = registry
        self._decide = decide_command
        self._take_behind = take_behind
        self._commands = 0
        self._plans_last_until = MAXIMUM_BATCH
        self._connection: AsyncConnection | None = None

    async def connect(self) -> None:
        """Connect, as posting does by itself where the connection is lost."""
        self._connection = await connect_poster(self._url)

    async def close(self) -> None:
        """Leave the database."""
        if self._connection is not None:
            await self._connection.close()

    async def post(self, batch: list[Waiting], more_lanes: frozenset[int] = frozenset()) -> None:
        """Post a batch to its end: every caller has an outcome or an error afterwards."""
        while batch:
            deferred = await self._post_once(batch, more_lanes)
            batch = await self._post_deferred(deferred, more_lanes)
            more_lanes = frozenset()

    async def _post_once(self, batch: list[Waiting], more_lanes: frozenset[int]) -> list[Deferred]:
        """Post a batch but for what it returns: commands that ask for more, and those behind them."""
        try:
            return await self._attempt(batch, more_lanes)
        except ClockBehind as error:
            await self._post_other_lanes(batch, error)
        except LedgerError as error:
            _fail([*batch, *self._take_behind(batch)], error)
        except Exception as error:  # noqa: BLE001 - whatever it is, its caller must be told
            await self._leave_unit()
            if len(batch) == 1:
                _log.exception("command_failed", command=type(batch[0].submission.command).__name__)
                _fail(batch, error)
                return []
            # One command spoils the batch: halve it until that one is alone.
            measurements.BATCH_RETRIES.labels("split").inc()
            middle = len(batch) // 2
            await self.post(batch[:middle])
            await self.post(batch[middle:])
        return []

    async def _post_deferred(self, deferred: list[Deferred], locked: frozenset[int]) -> list[Waiting]:
        """Post what asked for more, alone and in order; returns what can now be posted together.

        An earn that asked has refilled or swept its cap: what comes after it may find all that it needs.
        """
        for number, (waiting, needs) in enumerate(deferred, start=1):
            await self._post_alone(waiting, needs, locked)
            if needs is not None and isinstance(waiting.submission.command, Earn):
                return [after for after, _ in deferred[number:]]
        return []

    async def _post_alone(self, waiting: Waiting, needs: Needs | None, locked: frozenset[int]) -> None:
        """Post a command again, with what it asked for; None: it only came after one that asked."""
        lanes = locked
        waiting.rounds += needs is not None
        if waiting.rounds > MOST_ROUNDS:
            _fail([waiting], RuntimeError("a command asked too often for more than was read for it"))
            return
        try:
            if isinstance(needs, NeedsSweep):
                await self._sweep(needs.cap)
            elif needs is not None:
                lanes = locked | widened(waiting.submission, needs)
        except Exception as error:  # noqa: BLE001 - whatever it is, its caller must be told
            _fail([waiting], error)
            return
        await self.post([waiting], lanes)

    async def _sweep(self, cap: str) -> None:
        """Bring a cap's allotments home, as a command of the ledger's own; raises what that fails with."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        await self.post([Waiting(sweep_submission(cap), future, perf_counter())])
        await future

    async def _post_other_lanes(self, batch: list[Waiting], error: ClockBehind) -> None:
        """Refuse what waits for the lane that is ahead of the clock, and post the rest of the batch."""
        late = [waiting for waiting in batch if waiting.submission.lane == error.facts["lane"]]
        if not late:
            # The lane was one that a single command needed besides its own.
            late = batch
        _fail([*late, *self._take_behind(late)], error)
        failed = {id(waiting) for waiting in late}
        others = [waiting for waiting in batch if id(waiting) not in failed]
        if others:
            await self.post(others)

    async def _attempt(self, batch: list[Waiting], more_lanes: frozenset[int]) -> list[Deferred]:
        pause_seconds = FIRST_PAUSE_SECONDS
        for _ in range(ATTEMPTS):
            try:
                return await self._unit_of_newest(batch, more_lanes)
            except psycopg.OperationalError as error:
                await self._leave_unit()
                reason = "raced" if may_succeed_again(error) else "connection"
                measurements.BATCH_RETRIES.labels(reason).inc()
                await asyncio.sleep(pause_seconds)
                pause_seconds *= 2
            except psycopg.Error as error:
                await self._leave_unit()
                if not may_succeed_again(error):
                    raise
                measurements.BATCH_RETRIES.labels("raced").inc()
            except LedgerError:
                await self._leave_unit()
                raise
        msg = "The database could not be reached or stayed locked; nothing was answered, try again."
        raise DatabaseUnavailable(msg, retry_after_seconds=RETRY_AFTER_SECONDS)

    async def _unit_of_newest(self, batch: list[Waiting], more_lanes: frozenset[int]) -> list[Deferred]:
        """Run a unit of work under the newest set-up: again as long as it was changed before the lanes were locked."""
        for _ in range(MOST_CHANGES):
            try:
                return await self._unit(batch, more_lanes)
            except RegistryChanged:
                await self._leave_unit()
                await self._registry.refresh(await self._connected())
        raise DatabaseUnavailable("The set-up kept changing; try again.", retry_after_seconds=RETRY_AFTER_SECONDS)

    async def _unit(self, batch: Sequence[Waiting], more_lanes: frozenset[int]) -> list[Deferred]:
        """Run one unit of work: read, decide, write and commit, answer; returns what must run again, alone."""
        connection = await self._connected()
        submissions = [waiting.submission for waiting in batch]
        lanes = lanes_of(submissions, self._registry.current) | more_lanes
        state = await read_state(connection, lanes, submissions, self._registry.current)
        outcomes: list[Outcome | None] = []
        deferred: list[Deferred] = []
        behind: set[int] = set()
        for waiting in batch:
            outcome: Outcome | Needs | None = None
            if not behind or behind.isdisjoint(_members_of(waiting.submission)):
                outcome = self._decide_one(waiting.submission, state)
            if outcome is None or isinstance(outcome, Needs):
                deferred.append((waiting, outcome))
                # What follows on the same member may rest on it: a cancellation on its earn.
                behind |= _members_of(waiting.submission)
                outcome = None
            elif isinstance(waiting.submission.command, (Merge, Move)):
                # Of what has come along by it nothing was read for the member that it came to.
                behind |= _members_of(waiting.submission)
            outcomes.append(outcome)
        if submissions[0].items and not isinstance(outcomes[0], Posted):
            state = self._only_refusal(submissions[0], state, outcomes[0])
        await write_state(connection, state)
        _answer(batch, outcomes)
        await self._renew_plans(connection, len(batch))
        return deferred

    @staticmethod
    def _only_refusal(submission: Submission, state: LedgerState, outcome: Outcome | None) -> LedgerState:
        """Of an atomic command that does not post nothing stays but the record of its refusal."""
        clean = LedgerState(state.registry, {}, {})
        if isinstance(outcome, Refused):
            record_refusal(clean, submission, _encode(outcome))
        return clean

    def _decide_one(self, submission: Submission, state: LedgerState) -> Outcome | Needs:
        if submission.items:
            return decide_atomic(submission, state, self._decide)
        decision = self._decide(submission, state)
        if isinstance(decision, Decided):
            return record(state, submission, decision)
        if isinstance(decision, Refused):
            facts = refusal_facts(decision, shows_balance=submission.shows_balance)
            refused = Refused(decision.code, decision.detail, facts)
            if not isinstance(submission.command, Expire | Notice | SweepCap):
                record_refusal(state, submission, _encode(refused))
            return refused
        return decision

    async def _renew_plans(self, connection: AsyncConnection, commands: int) -> None:
        """Let the database plan anew each time the work of this connection has doubled.

        Why: plans are pinned, and those made while tables were empty do not suit full ones.
        """
        self._commands += commands
        if self._commands >= self._plans_last_until:
            self._plans_last_until = 2 * self._commands
            await connection.execute(DISCARD_PLANS)

    async def _connected(self) -> AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await connect_poster(self._url)
        return self._connection

    async def _leave_unit(self) -> None:
        """Leave a failed unit of work; a connection in doubt is thrown away."""
        connection = self._connection
        if connection is None:
            return
        try:
            await roll_back(connection)
        except psycopg.Error:
            with contextlib.suppress(psycopg.Error):
                await connection.close()
            self._connection = None


def _members_of(submission: Submission) -> set[int]:
    members = (submission.member, submission.receiver, *(item.member for item in submission.items))
    return {member for member in members if member is not None}


def _answer(batch: Sequence[Waiting], outcomes: Sequence[Outcome | None]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if outcome is not None and not waiting.future.done():
            waiting.future.set_result(outcome)
    answered = [waiting.arrived for waiting, outcome in zip(batch, outcomes, strict=True) if outcome is not None]
    if answered:
        measurements.POSTING_SECONDS.observe(perf_counter() - min(answered))
    measurements.count_batch([outcome for outcome in outcomes if outcome is not None])


def _fail(batch: Sequence[Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
