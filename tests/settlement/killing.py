"""Killing settlement between any two statements: a connection that is lost just before the n-th one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg import AsyncConnection


class Killed(BaseException):
    """The process has ended here, as far as the ledger can tell."""


class Statements:
    """Counts statements, and ends the process before one of them."""

    def __init__(self, dies_before: int | None) -> None:
        self.count = 0
        self.texts: list[str] = []
        self._dies_before = dies_before

    async def meet(self, connection: AsyncConnection, query: object) -> None:
        """Count a statement; where it is the one, close its connection with nothing committed."""
        self.count += 1
        self.texts.append(query.decode() if isinstance(query, bytes) else str(query))
        if self.count == self._dies_before:
            await connection.close()
            raise Killed


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, dies_before: int | None = None) -> Iterator[Statements]:
    """Count all statements of this process, and die before the n-th."""
    statements, execute = Statements(dies_before), AsyncConnection.execute

    async def counting(connection: AsyncConnection, query: Any, *rest: Any, **options: Any) -> Any:
        await statements.meet(connection, query)
        return await execute(connection, query, *rest, **options)

    with monkeypatch.context() as patched:
        patched.setattr(AsyncConnection, "execute", counting)
        yield statements
