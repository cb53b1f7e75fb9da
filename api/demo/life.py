"""What else happens in the demo city, so that it can be seen: a cap on a campaign, holds, gifts, a frozen member.

The cap is there before the month, so the month's earnings draw from it; the rest comes after it, between the
citizens with the fullest purses. All keys come from the seed, as the month's do.
"""

from collections import Counter
from collections.abc import Sequence

from api.demo.city import CARD_OFFICE, PROGRAMME, citizens
from api.demo.month import FEN_PER_YUAN, SEED, Happening
from api.demo.outcomes import DemoLoaded, id_of
from ledger.posting.cap_grants import grant_first
from ledger.posting.engine import Engine
from ledger.rules.commands import Capture, Earn, Freeze, Gift, PartnerCommand, PlaceHold, Redeem, VoidHold
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.member_profiles import read_profiles
from ledger.store.members import Member
from ledger.store.registry_writes import NewCap, add_cap
from ledger.store.unit_of_work import unit_of_work

CAP, CAPPED_PARTNER, CAP_POINTS = "GREEN-SPRING", "GREEN-CITY", 100_000
HOLDER = "WARM-HOME"
GIFT_POINTS = 50


async def cap_the_campaign(engine: Engine, partners: dict[str, int], loaded: DemoLoaded) -> None:
    """Add the campaign's cap with its points, where it is missing."""
    if engine.registry.current.cap_coded(CAP) is None:
        programme = engine.registry.current.programmes[PROGRAMME].number
        async with engine.pool.connection() as connection:
            async with unit_of_work(connection):
                await add_cap(connection, NewCap(code=CAP, programme=programme, partner=partners[CAPPED_PARTNER]))
            await engine.registry.refresh(connection)
    loaded.count("by_staff", await grant_first(engine, CAP, CAP_POINTS))


async def live_on(
    engine: Engine, partners: dict[str, int], happenings: Sequence[Happening], loaded: DemoLoaded
) -> None:
    """Hold, capture, give and freeze, or find that it was done before."""
    richest = by_purse(happenings)
    chosen = [*richest[:4], richest[-1]]
    names = [await _public_id(engine, partners[CARD_OFFICE.code], citizen) for citizen in chosen]
    life = _Life(engine, partners[HOLDER], loaded)
    await life.hold_and_deliver(*names[:3])
    for number, giver in enumerate(names[:2], start=1):
        await life.give(f"gift-{number}", giver, names[3])
    await life.freeze(names[4])


def by_purse(happenings: Sequence[Happening]) -> list[str]:
    """The citizens, the one with the most points of the month first; what is returned or pending is left out."""
    purses = Counter(dict.fromkeys(citizens(), 0))
    for happening in happenings:
        command = happening.command
        if isinstance(command, Earn) and command.available_from is None:
            purses[happening.citizen] += command.points or (command.spend_minor or 0) // FEN_PER_YUAN
        elif isinstance(command, Redeem):
            purses[happening.citizen] -= command.points
    return sorted(purses, key=lambda citizen: (-purses[citizen], citizen))


class _Life:
    """Posts one thing after the other."""

    def __init__(self, engine: Engine, holder: int, loaded: DemoLoaded) -> None:
        self._engine = engine
        self._holder = holder
        self._loaded = loaded

    async def hold_and_deliver(self, delivered: str, waiting: str, cancelled: str) -> None:
        """Appliances: one delivered in two parts, one delivered in part so far, one cancelled."""
        hold = await self._hold("hold-1", delivered, 300)
        await self._end("capture-1", Capture(hold=hold, points=180))
        await self._end("capture-2", Capture(hold=hold, points=80, final=True))
        hold = await self._hold("hold-2", waiting, 240)
        await self._end("capture-3", Capture(hold=hold, points=100))
        hold = await self._hold("hold-3", cancelled, 150)
        await self._end("void-1", VoidHold(hold=hold, reason="取消订单 order cancelled"))

    async def give(self, name: str, giver: str, receiver: str) -> None:
        """A citizen gives points to another, by itself."""
        command = Gift(programme=PROGRAMME, member=giver, receiver=receiver, points=GIFT_POINTS)
        submission = await self._engine.intake.prepare(LEDGER_ITSELF, _key(name), command, owner=f"m:{giver}")
        self._loaded.count("gifts", await self._engine.posters.submit(submission))

    async def freeze(self, citizen: str) -> None:
        """Staff freeze a citizen's account."""
        command = Freeze(member=citizen, reason="市民卡遗失 card lost")
        submission = await self._engine.intake.prepare(LEDGER_ITSELF, _key("freeze"), command, owner="s:demo")
        self._loaded.count("by_staff", await self._engine.posters.submit(submission))

    async def _hold(self, name: str, citizen: str, points: int) -> str:
        command = PlaceHold(programme=PROGRAMME, member=citizen, points=points, scene="housing", channel="web")
        return await self._submit("holds", name, command)

    async def _end(self, name: str, command: Capture | VoidHold) -> None:
        await self._submit("ended_holds", name, command)

    async def _submit(self, what: str, name: str, command: PartnerCommand) -> str:
        submission = await self._engine.intake.prepare(self._holder, _key(name), command)
        outcome = await self._engine.posters.submit(submission)
        self._loaded.count(what, outcome)
        return await id_of(self._engine, outcome) or ""


def _key(name: str) -> str:
    return f"demo-{SEED}-{name}"


async def _public_id(engine: Engine, card_office: int, citizen: str) -> str:
    member = await engine.intake.find_member(card_office, f"ref:{citizen}")
    if member is None:
        raise LookupError(f"{citizen} was not enrolled")
    async with engine.pool.connection() as connection:
        profiles = await read_profiles(connection, [member])
    return profiles[Member(member.lane, member.number)].public_id
