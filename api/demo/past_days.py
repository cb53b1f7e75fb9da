"""The last days of the demo's month as they were lived: recorded on their own days, closed, settled and paid.

Only in a sandbox, whose clock can be set before anything is recorded. Days up to the first settled one are recorded at
its end, the later ones as they go by; the last two days stay open, for whoever looks around to close and settle.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from api.demo.bank import Receipt, answers
from api.demo.city import PROGRAMME, ZONE
from api.demo.contracts import DEMO_APPROVER, DEMO_CLERK
from api.demo.month import Happening
from ledger.errors import ClockCannotGoBack
from ledger.posting.engine import Engine
from ledger.rules.business_day import civil_day, end_of_day, to_datetime, to_instant, zone
from ledger.store.ledger_row import read_clock, set_sandbox_clock
from ledger.store.unit_of_work import unit_of_work
from settlement import approval
from settlement.days import close_day
from settlement.payments import instruct
from settlement.people import Person
from settlement.reconciliation import BankFileOutcome, import_bank_file
from settlement.run import run
from settlement.store.money_rows import read_files, read_notices

SETTLED_DAYS = 2
"""How many days are settled before the two that stay open."""

MORNING_HOUR = 9
STRETCH = 1_800_000_000
"""Half an hour, in microseconds: what happens in it is recorded together, at the last of it."""

UNEXPLAINED = Receipt(payer="李某 Mr Li", amount_minor=128_00, reference="")
"""Money that no notice explains: it waits on the work list."""


class PastDays:
    """Moves a sandbox's clock along with the month, and settles a day on the next morning."""

    def __init__(self, engine: Engine, until: int, bank: Path | None) -> None:
        self._engine = engine
        self._until = until
        self._bank = bank
        self._instructed: list[str] = []
        last = civil_day(until, ZONE)
        self._settled = [last - timedelta(days=ago) for ago in range(SETTLED_DAYS + 1, 1, -1)]

    async def start(self) -> None:
        """Set the clock to the end of the first settled day, where nothing is recorded yet."""
        await self._move(end_of_day(self._settled[0], ZONE) - 1)

    async def begin_day(self, day: date) -> None:
        """Settle the day before in the morning, where it is one of those."""
        if day <= self._settled[0]:
            return
        before = day - timedelta(days=1)
        if before in self._settled and await self._move(_morning(day)):
            await self._settle(before)
        if self._instructed and self._bank is not None and before == self._settled[-1]:
            await self._be_paid(self._bank)

    def stretches(self, happenings: Sequence[Happening]) -> list[list[Happening]]:
        """The happenings of a day as they are recorded: all at once, or those of each half hour together."""
        if civil_day(happenings[0].at, ZONE) <= self._settled[0]:
            return [list(happenings)]
        return [list(some) for _, some in groupby(happenings, key=lambda one: one.at // STRETCH)]

    async def go_to(self, instant: int) -> None:
        """Let the time pass until an instant; a clock that is ahead stays."""
        await self._move(min(instant, self._until))

    async def end(self) -> None:
        """Come back to where the clock stood before the city was loaded."""
        await self._move(self._until)

    async def _move(self, instant: int) -> bool:
        """Set the clock; False where it is ahead already, as when the city was loaded before, or runs by itself."""
        if not self._engine.ledger.is_sandbox:
            return False
        try:
            async with self._engine.pool.connection() as connection, unit_of_work(connection):
                await set_sandbox_clock(connection, instant)
        except ClockCannotGoBack:
            return False
        return True

    async def _settle(self, day: date) -> None:
        engine, programme = self._engine, self._engine.registry.current.programmes[PROGRAMME]
        await close_day(engine, DEMO_CLERK, programme, day)
        batch = (await run(engine, DEMO_CLERK, programme, day)).id
        await approval.submit(engine, DEMO_CLERK, batch, "数据已核对 figures checked")
        await approval.approve(engine, DEMO_APPROVER, batch, "复核无误 agrees with the statements")
        await instruct(engine, DEMO_CLERK, batch, "按批次付款 to be paid")
        self._instructed.append(batch)

    async def _be_paid(self, bank: Path) -> None:
        """Once for all batches, since to open a bank takes longer than to be answered by it."""
        batches, self._instructed = self._instructed, []
        await let_the_bank_answer(self._engine, DEMO_CLERK, bank, batches, [UNEXPLAINED])
        for batch in batches:
            await approval.close(self._engine, DEMO_CLERK, batch, "付款已全部完成 all paid")


async def let_the_bank_answer(
    engine: Engine, person: Person, bank: Path, batches: Sequence[str], more: Sequence[Receipt] = ()
) -> list[BankFileOutcome]:
    """Hand batches' payment files to the demo's bank, have their notices paid, and import what the bank sends.

    ``more`` is what comes in beside. Raises what importing raises; the bank's files are the person's to import.
    """
    partners = engine.registry.current.partners
    files: list[bytes] = []
    receipts = list(more)
    async with engine.pool.connection() as connection:
        now = await read_clock(connection)
        for batch in batches:
            files += [file.content for file in await read_files(connection, batch)]
            receipts += [
                Receipt(payer=partners[one.party].name, amount_minor=one.open_minor, reference=one.reference)
                for one in await read_notices(connection, batch)
                if one.state == "open"
            ]
    local = to_datetime(now).astimezone(zone(ZONE))
    return await _import(engine, person, await answers(bank, local, files, receipts))


async def _import(engine: Engine, person: Person, contents: Sequence[bytes]) -> list[BankFileOutcome]:
    return [await import_bank_file(engine, person, content) for content in contents]


def _morning(day: date) -> int:
    return to_instant(datetime(day.year, day.month, day.day, MORNING_HOUR, tzinfo=zone(ZONE)))
