"""Gathering: many callers ask for one thing each, one query answers those that wait.

While a query is under way, further askers collect; the next query takes them all. So a busy service
asks in bulk, and an idle one asks at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MAXIMUM_KEYS = 500


class Gathering(Generic[K, V]):
    """Turns single look-ups into bulk ones."""

    def __init__(self, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._fetch = fetch
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Look one key up; None where nothing is found. Raises what the query raises."""
        future = self._waiting.get(key)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._waiting[key] = future
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await asyncio.shield(future)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                taken = dict(list(self._waiting.items())[:MAXIMUM_KEYS])
                for key in taken:
                    del self._waiting[key]
                await self._answer(taken)
        finally:
            self._task = None

    async def _answer(self, taken: dict[K, "asyncio.Future[V | None]"]) -> None:
        try:
            found = await self._fetch(list(taken))
        except Exception as error:  # noqa: BLE001 - handed to every asker
            for future in taken.values():
                future.set_exception(error)
                future.exception()
            return
        for key, future in taken.items():
            future.set_result(found.get(key))
