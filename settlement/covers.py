"""Covers: how far an issuer may go, by its contract's credit limit and what it has paid.

A cover is a cap of the ledger that earns draw from at once. What adds to it here is kept as a movement in the unit of
work that causes it, and posted to the cap afterwards, once: by whoever comes by, at the latest by the worker.
"""

from datetime import date

from ledger.posting.cap_grants import grant_cover
from ledger.posting.clearing import ClearingUnit
from ledger.posting.engine import Engine
from ledger.rules.business_day import civil_day
from ledger.rules.money import minor_places
from ledger.rules.outcomes import Posted, Replayed
from ledger.store.covers import add_cover_price, open_cover, set_alert_level
from ledger.store.ledger_row import read_clock
from ledger.store.registry_writes import resume_issuing, suspend_issuing
from ledger.store.unit_of_work import unit_of_work
from settlement.store.cover_rows import (
    add_movement,
    note_posted,
    note_refused,
    read_overdue,
    read_suspended,
    read_waiting,
)
from settlement.store.term_rows import read_book
from settlement.terms import ContractTerms

UNITS = 10_000
"""Covers count in so many parts of the currency."""

OVERDUE = "a payment is overdue"
OWNER = "l:settlement"


async def set_cover(unit: ClearingUnit, terms: ContractTerms, key: str) -> None:
    """Let new terms price the issuer's cover, and open or change it by the credit limit. Inside their approval."""
    if terms.reserve_micros is None:
        return
    programme, partner, connection = terms.programme, terms.partner, unit.connection
    price_micros = terms.reserve_micros + terms.fee_micros
    await add_cover_price(connection, programme, partner, terms.starts_on, price_micros)
    has_cover = (programme, partner) in unit.registry.covers
    if terms.credit_limit_minor is None and not terms.prefunding_minor and not has_cover:
        return
    alert_level = _in_units(unit, programme, terms.prefunding_minor) or None
    if has_cover:
        await set_alert_level(connection, programme, partner, alert_level)
    else:
        await open_cover(connection, programme, partner, alert_level=alert_level)
    versions = (await read_book(connection, programme)).versions(partner)
    before = next((one.credit_limit_minor or 0 for one in reversed(versions) if one.version < terms.version), 0)
    amount = _in_units(unit, programme, (terms.credit_limit_minor or 0) - before)
    if amount:
        await add_movement(connection, f"limit:{key}", programme, partner, amount)


async def give_back(unit: ClearingUnit, programme: int, partner: int, amount_minor: int, key: str) -> None:
    """Keep that an issuer has paid, so that it may issue as much more; nothing for one without a cover."""
    if (programme, partner) in unit.registry.covers and amount_minor:
        await add_movement(unit.connection, key, programme, partner, _in_units(unit, programme, amount_minor))


async def post_cover_movements(engine: Engine) -> int:
    """Post what waits to be added to covers or taken from them, each once; how many were posted.

    What is to be taken and is in use waits until there is room.
    """
    async with engine.pool.connection() as connection:
        await engine.registry.refresh(connection)
        waiting = await read_waiting(connection)
    posted = 0
    for movement in waiting:
        cover = engine.registry.current.covers[movement.programme, movement.partner]
        outcome = await grant_cover(
            engine,
            cover.code,
            abs(movement.amount),
            owner=OWNER,
            idempotency_key=f"{movement.movement}:{movement.attempt}",
            takes=movement.amount < 0,
        )
        async with engine.pool.connection() as connection, unit_of_work(connection):
            if isinstance(outcome, Posted | Replayed):
                await note_posted(connection, movement)
                posted += 1
            else:
                await note_refused(connection, movement)
    return posted


async def suspend_overdue(engine: Engine) -> tuple[int, int]:
    """Suspend issuers whose payment is overdue, and let go on those that have paid: how many of each."""
    suspended = resumed = 0
    async with engine.pool.connection() as connection:
        await engine.registry.refresh(connection)
        now = await read_clock(connection)
        for programme in engine.registry.current.programmes.values():
            today: date = civil_day(now, programme.zone)
            overdue = await read_overdue(connection, programme.number, today)
            already = await read_suspended(connection, programme.number, OVERDUE)
            for partner in sorted(overdue - already):
                async with unit_of_work(connection):
                    await suspend_issuing(connection, programme.number, partner, OVERDUE)
                suspended += 1
            for partner in sorted(already - overdue):
                async with unit_of_work(connection):
                    await resume_issuing(connection, programme.number, partner)
                resumed += 1
    return suspended, resumed


def _in_units(unit: ClearingUnit, programme: int, amount_minor: int) -> int:
    """Minor units as parts of the currency; rounded down where a currency has smaller units than that."""
    currency = unit.registry.programme_numbered(programme).currency
    return int(amount_minor * UNITS // 10 ** minor_places(currency))
