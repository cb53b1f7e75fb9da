"""What one process's handlers share, made once at start-up."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
import structlog
from litestar.connection import ASGIConnection
from psycopg_pool import PoolTimeout

from api.authentication import MAXIMUM_REMEMBERED, Authentication
from api.rate_limits import RateLimit
from api.settings import Settings, SettingsError
from api.webhooks.allowed_targets import AllowedTargets
from ledger.errors import ProgrammeNotFound
from ledger.ids import Place
from ledger.posting.engine import Engine
from ledger.posting.import_worker import ImportWorker
from ledger.posting.trial import Trials
from ledger.reading.balances import BalanceReader
from ledger.reading.transactions import TransactionView, read_views
from ledger.rules.programmes import Programme, Registry
from ledger.store.gathering import Gathering
from ledger.store.member_profiles import MemberProfile, read_profiles
from ledger.store.members import Member
from ledger.store.registry import read_registry_version

REGISTRY_POLL_SECONDS = 1.0
QUOTES_PER_MINUTE = 60
CODES_PER_MINUTE = 30
MISSED_CODES_PER_MINUTE = 60
MINUTE_SECONDS = 60

_log = structlog.get_logger(__name__)


class Wiring:
    """The engine and the readers, with what is remembered between requests."""

    def __init__(
        self,
        engine: Engine,
        trials: Trials,
        import_directory: Path,
        webhook_targets: AllowedTargets = AllowedTargets(),  # noqa: B008 - frozen
    ) -> None:
        self.engine = engine
        self.trials = trials
        self.authentication = Authentication(engine.pool)
        self.balances = BalanceReader(engine.pool)
        self.quote_limit = RateLimit("quotes", QUOTES_PER_MINUTE, MINUTE_SECONDS)
        self.made_codes = RateLimit("codes", CODES_PER_MINUTE, MINUTE_SECONDS)
        self.missed_codes = RateLimit("missed-codes", MISSED_CODES_PER_MINUTE, MINUTE_SECONDS)
        self.import_directory = import_directory
        self.import_worker = ImportWorker(engine, import_directory)
        self.webhook_targets = webhook_targets
        self._views = Gathering(self._read_views)
        self._profiles = Gathering(self._read_profiles)
        self._public_ids: dict[Member, str] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Self]:
        """Open the engine and watch the set-up.

        Raises as ``Engine.open``, and SettingsError where the settings name no database or no ledger key.
        """
        database_url = settings.database_url
        if database_url is None:
            raise SettingsError("DATABASE_URL is not set: `citypoints serve` sets it for the embedded database")
        async with Engine.open(database_url, settings.read_ledger_key(), settings.lane_groups) as engine:
            trials = Trials(database_url, engine.registry)
            wiring = cls(engine, trials, settings.imports_directory, settings.webhook_targets)
            tasks = [
                asyncio.create_task(wiring.watch_registry(), name="registry"),
                asyncio.create_task(wiring.import_worker.run(), name="imports"),
            ]
            try:
                yield wiring
            finally:
                for task in tasks:
                    task.cancel()
                # An import leaves its queued lines to their end, and its place to whoever goes on.
                await asyncio.wait(tasks)
                await wiring.trials.close()

    async def fresh_registry(self) -> Registry:
        """The set-up as the database has it now, whichever process changed it."""
        async with self.engine.pool.connection() as connection:
            if await read_registry_version(connection) != self.engine.registry.current.version:
                await self.engine.registry.refresh(connection)
        return self.engine.registry.current

    async def programme(self, code: str) -> Programme:
        """Find a programme, also one that another process has just added; raises ProgrammeNotFound."""
        found = self.engine.registry.current.programmes.get(code)
        if found is None:
            found = (await self.fresh_registry()).programmes.get(code)
        if found is None:
            raise ProgrammeNotFound("No programme has this code.", programme=code)
        return found

    async def view(self, place: Place) -> TransactionView:
        """Read a transaction back from the journal; LookupError where there is none."""
        found = await self._views.get(place)
        if found is None:
            raise LookupError(f"no transaction at {place}")
        return found

    async def profile(self, member: Member) -> MemberProfile:
        """Read a member's public id, status and time of creation."""
        found = await self._profiles.get(member)
        if found is None:
            raise LookupError(f"no member {member.number} in lane {member.lane}")
        return found

    async def public_id(self, member: Member) -> str:
        """A member's public id, which never changes and so is remembered."""
        known = self._public_ids.get(member)
        if known is None:
            known = (await self.profile(member)).public_id
            if len(self._public_ids) >= MAXIMUM_REMEMBERED:
                self._public_ids.clear()
            self._public_ids[member] = known
        return known

    def forget(self) -> None:
        """Look keys, tokens and members up again: the set-up has changed, or a member has a new place."""
        self.engine.intake.forget_members()
        self.authentication.forget()

    async def watch_registry(self) -> None:
        """Forget remembered keys, tokens and members' places whenever the set-up changes, or cannot be asked for."""
        known = self.engine.registry.current.version
        while True:
            await asyncio.sleep(REGISTRY_POLL_SECONDS)
            try:
                version = (await self.fresh_registry()).version
            except (psycopg.OperationalError, PoolTimeout):
                # A key may have been revoked unseen: no key is trusted until the database says so.
                _log.warning("registry_unreachable")
                version = -1
            if version != known:
                self.forget()
                known = version

    async def _read_views(self, places: Sequence[Place]) -> Mapping[Place, TransactionView]:
        async with self.engine.pool.connection() as connection:
            return await read_views(connection, self.engine.registry.current, places)

    async def _read_profiles(self, members: Sequence[Member]) -> Mapping[Member, MemberProfile]:
        async with self.engine.pool.connection() as connection:
            return await read_profiles(connection, members)


def wiring_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Wiring:
    """The wiring of the application that serves a request."""
    wiring: Wiring = connection.app.state.wiring
    return wiring
