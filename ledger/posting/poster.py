"""The poster: one queue for one group of lanes, posted in batches.

A busy poster commits hundreds of commands in one unit of work, and lets those it has just answered come back before
it begins the next; an idle one commits a single command at once, without any artificial wait. Callers are answered
only after the commit.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from time import perf_counter

from ledger.errors import Busy, ShuttingDown
from ledger.posting import measurements
from ledger.posting.batch_poster import MAXIMUM_BATCH, RETRY_AFTER_SECONDS, BatchPoster, Decide, Waiting
from ledger.posting.registry_cache import RegistryCache
from ledger.rules.commands import Atomic, Submission
from ledger.rules.decide import decide
from ledger.rules.outcomes import Outcome

MAXIMUM_QUEUE = 20_000
FEWEST_TO_DIVIDE = 100

FEWEST_TO_WAIT_FOR = 8
QUIET_SECONDS = 0.005
"""So long without a new command tells that those who were answered do not come again at once."""

LONGEST_WAIT_SECONDS = 0.025
"""So long after a unit of work, the next one waits for nobody."""


class Poster:
    """Posts the commands of one group of lanes, a deep queue's over two connections at once.

    Why two: while the database works on the batch of the even lanes, the odd ones' is decided, and of two processes
    with the same lanes neither stands still for the other. A short queue goes in one unit of work, since each costs
    the same some milliseconds however little is in it; then the second connection is not even made.

    Why a busy poster waits: callers that were answered together come again one by one, some milliseconds of work each,
    and the first few of them made a unit of work of their own. In a full one a command costs less, so all of them are
    answered earlier.
    """

    def __init__(
        self,
        url: str,
        registry: RegistryCache,
        *,
        decide_command: Decide = decide,
        maximum_batch: int = MAXIMUM_BATCH,
        maximum_queue: int = MAXIMUM_QUEUE,
    ) -> None:
        self._maximum_batch = maximum_batch
        self._fewest_to_divide = min(FEWEST_TO_DIVIDE, maximum_batch + 1)
        self._maximum_queue = maximum_queue
        self._queue: deque[Waiting] = deque()
        self._wake = asyncio.Event()
        self._wake_at = 1
        self._around = 0
        self._waits_until = 0.0
        self._stopping = False
        self._even, self._odd = (BatchPoster(url, registry, decide_command, self._take_behind) for _ in range(2))
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and begin to post."""
        await self._even.connect()
        self._task = asyncio.create_task(self._run(), name="poster")

    async def stop(self) -> None:
        """Take nothing new, finish what is queued, and leave."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await asyncio.gather(self._even.close(), self._odd.close())

    def enqueue(self, submission: Submission) -> "asyncio.Future[Outcome]":
        """Queue a submission; its outcome comes after the commit.

        Raises Busy when the queue is full and ShuttingDown when the service leaves: nothing is
        recorded then, and the same key may be tried again.
        """
        if self._stopping:
            msg = "The service is shutting down; try again."
            raise ShuttingDown(msg, retry_after_seconds=RETRY_AFTER_SECONDS)
        if len(self._queue) >= self._maximum_queue:
            msg = "The ledger's queue is full; nothing was recorded, try again."
            raise Busy(msg, retry_after_seconds=RETRY_AFTER_SECONDS)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(submission, future, perf_counter()))
        if len(self._queue) == self._wake_at:
            self._wake.set()
        return future

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._wake_at = 1
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._wait_for_answered()
            batch = self._next_batch()
            measurements.QUEUE_DEPTH.set(len(self._queue))
            await self._post(batch)
            self._note_callers(len(batch))

    def _note_callers(self, answered: int) -> None:
        """Note how many callers are worth waiting for; none where as many wait already as were answered."""
        queued = len(self._queue)
        self._around = min(answered + queued, self._maximum_batch) if queued < answered else 0
        self._waits_until = perf_counter() + LONGEST_WAIT_SECONDS

    async def _wait_for_answered(self) -> None:
        """Wait until as many commands are queued as there were around the last unit of work, while they keep coming."""
        self._wake_at = self._around
        while self._expects_more():
            queued = len(self._queue)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._wake.wait()
            if len(self._queue) == queued:
                return

    def _expects_more(self) -> bool:
        if self._stopping or self._around < FEWEST_TO_WAIT_FOR:
            return False
        return len(self._queue) < self._around and perf_counter() < self._waits_until

    def _next_batch(self) -> list[Waiting]:
        """What waits, in order, up to a full unit of work of even lanes or one of odd ones; an atomic command alone."""
        batch: list[Waiting] = []
        of_parity = [0, 0]
        while self._queue:
            submission = self._queue[0].submission
            if isinstance(submission.command, Atomic):
                return batch or [self._queue.popleft()]
            if of_parity[submission.lane % 2] == self._maximum_batch:
                break
            of_parity[submission.lane % 2] += 1
            batch.append(self._queue.popleft())
        return batch

    async def _post(self, batch: list[Waiting]) -> None:
        if len(batch) < self._fewest_to_divide:
            await self._even.post(batch)
            return
        even = [waiting for waiting in batch if waiting.submission.lane % 2 == 0]
        odd = [waiting for waiting in batch if waiting.submission.lane % 2]
        await asyncio.gather(self._even.post(even), self._odd.post(odd))

    def _take_behind(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """Take out of the queue what waits for the same lanes: it may rest on what has just failed.

        A cancellation that follows its earn in a file must not be decided without it.
        """
        lanes = {waiting.submission.lane for waiting in batch}
        behind = [waiting for waiting in self._queue if waiting.submission.lane in lanes]
        self._queue = deque(waiting for waiting in self._queue if waiting.submission.lane not in lanes)
        return behind
