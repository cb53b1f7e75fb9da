"""All posters of a process: one per lane group, each with its own queue and connection."""

import asyncio

from psycopg import AsyncConnection

from ledger.posting.batch_poster import MAXIMUM_BATCH, Decide
from ledger.posting.poster import MAXIMUM_QUEUE, Poster
from ledger.posting.registry_cache import RegistryCache
from ledger.rules.commands import Submission
from ledger.rules.decide import decide
from ledger.rules.outcomes import Outcome

DEFAULT_GROUPS = 2


class Posters:
    """Hands each submission to the poster of its lane's group.

    Several processes may each run posters over the same lanes: the lane rows are the only
    coordination between them.
    """

    def __init__(
        self,
        url: str,
        registry: RegistryCache,
        *,
        groups: int = DEFAULT_GROUPS,
        decide_command: Decide = decide,
        maximum_batch: int = MAXIMUM_BATCH,
        maximum_queue: int = MAXIMUM_QUEUE,
    ) -> None:
        self.registry = registry
        self._posters = [
            Poster(
                url,
                registry,
                decide_command=decide_command,
                maximum_batch=maximum_batch,
                maximum_queue=maximum_queue,
            )
            for _ in range(groups)
        ]

    async def start(self, connection: AsyncConnection) -> None:
        """Read the set-up and start every poster."""
        await self.registry.refresh(connection)
        for poster in self._posters:
            await poster.start()

    async def stop(self) -> None:
        """Finish what is queued and leave."""
        await asyncio.gather(*(poster.stop() for poster in self._posters))

    def enqueue(self, submission: Submission) -> "asyncio.Future[Outcome]":
        """Queue a submission in the order of calls; see ``Poster.enqueue`` for what it raises."""
        return self._posters[submission.lane % len(self._posters)].enqueue(submission)

    async def submit(self, submission: Submission) -> Outcome:
        """Queue a submission and wait for its outcome."""
        return await self.enqueue(submission)
