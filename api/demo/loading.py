"""Loading the demo city: partners, citizens, the month and what follows, through the service's intake and posters.

Idempotency keys come from the seed, and the month ends when the first citizen was created. So loading
again posts nothing new, and completes a loading that was cut short.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from api.demo.city import CARD_OFFICE, PARTNERS, PROGRAMME, ZONE, citizens
from api.demo.contracts import agree
from api.demo.life import cap_the_campaign, live_on
from api.demo.month import CURRENCY, Happening, Return, month
from api.demo.outcomes import DemoLoaded, id_of
from api.demo.past_days import PastDays
from ledger.audit import audit
from ledger.audit.keeping import keep_report
from ledger.errors import AlreadyExists, ProgrammeNotFound
from ledger.posting.engine import Engine
from ledger.rules.business_day import civil_day
from ledger.rules.commands import Earn, PartnerCommand, Redeem, Reverse
from ledger.rules.outcomes import Outcome
from ledger.store.member_creation import read_created_at
from ledger.store.members import Member, create_members, link_reference, name_digest
from ledger.store.registry_writes import add_partner, permit
from ledger.store.unit_of_work import unit_of_work
from settlement.audit import check_settlement

Progress = Callable[[int, int], None]

_COUNTED_AS: dict[type, str] = {Earn: "earnings", Redeem: "redemptions", Return: "returns"}


def refuse_other_data(engine: Engine) -> None:
    """Raise AlreadyExists where the ledger holds anything but a demo city."""
    if engine.registry.current.partners and not engine.ledger.has_demo:
        raise AlreadyExists("The ledger holds data of its own already; the demo city goes into an empty ledger only.")
    if PROGRAMME not in engine.registry.current.programmes:
        raise ProgrammeNotFound(f"The demo city needs the programme {PROGRAMME}, which `citypoints init` makes.")


async def load_demo(engine: Engine, progress: Progress | None = None, bank: Path | None = None) -> DemoLoaded:
    """Load the city, or what is missing of it, and audit it. ``progress`` gets happenings done and their number.

    ``bank`` is where the demo's bank keeps what it knows; without it no bank answers the payments of past days.

    The caller has asked ``refuse_other_data`` and marked the ledger as one with a demo.
    """
    partners = await _add_partners(engine)
    until = await _enrol(engine, partners[CARD_OFFICE.code])
    happenings = month(until)
    await _link(engine, partners, happenings)
    posting = _Posting(engine, partners, happenings)
    past = PastDays(engine, until, bank)
    await past.start()
    await agree(engine, engine.registry.current.programmes[PROGRAMME], civil_day(until, ZONE))
    await cap_the_campaign(engine, partners, posting.loaded)
    done = 0
    for day, of_the_day in groupby(happenings, key=lambda happening: civil_day(happening.at, ZONE)):
        await past.begin_day(day)
        of_day = list(of_the_day)
        for stretch in past.stretches(of_day):
            await past.go_to(stretch[-1].at)
            await posting.post(stretch)
        done += len(of_day)
        if progress is not None:
            progress(done, len(happenings))
    await past.end()
    await live_on(engine, partners, happenings, posting.loaded)
    if posting.loaded.posted_now:
        # So that the operator's page begins with an answer, as it would where the audit runs every night.
        report = await audit(engine.pool, more_checks=[check_settlement])
        await keep_report(engine.pool, "full", report)
    return posting.loaded


async def _add_partners(engine: Engine) -> dict[str, int]:
    """Add the partners that are missing; return the numbers of all by their codes."""
    registry = engine.registry.current
    known = {partner.code: partner.number for partner in registry.partners.values()}
    programme = registry.programmes[PROGRAMME].number
    async with engine.pool.connection() as connection:
        async with unit_of_work(connection):
            for partner in PARTNERS:
                if partner.code in known:
                    continue
                number = await add_partner(connection, partner.code, partner.name, partner.kind)
                await permit(connection, programme, number, may_issue=partner.may_issue, may_accept=partner.may_accept)
                known[partner.code] = number
        await engine.registry.refresh(connection)
    return {partner.code: known[partner.code] for partner in PARTNERS}


async def _enrol(engine: Engine, card_office: int) -> int:
    """Create the citizens, if that is still to do; return when they were created."""
    references = citizens()
    first = await engine.intake.find_member(card_office, f"ref:{references[0]}")
    async with engine.pool.connection() as connection:
        if first is None:
            async with unit_of_work(connection):
                created = await create_members(connection, engine.key, card_office, references, engine.lanes)
            first = Member(created[references[0]].lane, created[references[0]].number)
        return await read_created_at(connection, first)


async def _link(engine: Engine, partners: dict[str, int], happenings: Sequence[Happening]) -> None:
    """Tell each partner about the citizens who come to it, under its own reference."""
    places = dict(zip(citizens(), await _members(engine, partners[CARD_OFFICE.code]), strict=True))
    visitors = {(happening.partner, happening.citizen) for happening in happenings}
    async with engine.pool.connection() as connection, unit_of_work(connection), connection.pipeline():
        for code, citizen in sorted(visitors):
            digest = name_digest(engine.key, partners[code], f"ref:{citizen}")
            await link_reference(connection, digest, places[citizen], partners[code])


async def _members(engine: Engine, card_office: int) -> list[Member]:
    found = await asyncio.gather(*(engine.intake.find_member(card_office, f"ref:{name}") for name in citizens()))
    return [member for member in found if member is not None]


class _Posting:
    """Posts happenings day by day and remembers the transactions that returns will name."""

    def __init__(self, engine: Engine, partners: dict[str, int], happenings: Sequence[Happening]) -> None:
        self.loaded = DemoLoaded(citizens=len(citizens()), partners=len(partners))
        self._engine = engine
        self._partners = partners
        self._returned = {
            happening.command.original_key for happening in happenings if isinstance(happening.command, Return)
        }
        self._ids: dict[str, str] = {}

    async def post(self, happenings: Sequence[Happening]) -> None:
        """Post one day, each member's happenings in order."""
        commands = [(happening, command) for happening in happenings if (command := self._command(happening))]
        submissions = await asyncio.gather(
            *(
                self._engine.intake.prepare(self._partners[happening.partner], happening.key, command)
                for happening, command in commands
            )
        )
        futures = [self._engine.posters.enqueue(submission) for submission in submissions]
        for (happening, _), outcome in zip(commands, await asyncio.gather(*futures), strict=True):
            self._count(happening, outcome)
            if happening.key in self._returned:
                await self._remember(happening.key, outcome)

    def _command(self, happening: Happening) -> PartnerCommand | None:
        command = happening.command
        if not isinstance(command, Return):
            return command
        identifier = self._ids.get(command.original_key)
        if identifier is None:
            # What it returns was refused.
            return None
        return Reverse(
            transaction=identifier,
            points=command.points,
            spend_minor=command.spend_minor,
            currency=None if command.spend_minor is None else CURRENCY,
            reason="退货 goods returned",
        )

    def _count(self, happening: Happening, outcome: Outcome) -> None:
        self.loaded.count(_COUNTED_AS[type(happening.command)], outcome)

    async def _remember(self, key: str, outcome: Outcome) -> None:
        identifier = await id_of(self._engine, outcome)
        if identifier is not None:
            self._ids[key] = identifier
