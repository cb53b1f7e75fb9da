"""The city of the benchmark: one programme, merchants and members, and commands like a day's."""

import random
from pathlib import Path

import msgspec

from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.rules.commands import Earn, Redeem
from ledger.rules.programmes import EarnRate
from ledger.store.members import create_members
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import unit_of_work

PROGRAMME = "BENCH"
MERCHANTS = 100
MEMBERS = 10_000
REDEMPTIONS = 0.3
HOT_MERCHANTS = 3
HOT_SHARE = 0.9


class City(msgspec.Struct, frozen=True):
    """Who takes part; written to a file so that every process of the run posts to the same city."""

    url: str
    ledger_key: str
    partners: list[int]
    members: list[str]

    def key(self) -> LedgerKey:
        """The ledger's key."""
        return LedgerKey(bytes.fromhex(self.ledger_key))


def write_city(path: Path, city: City) -> None:
    """Write the city's file."""
    path.write_bytes(msgspec.json.encode(city))


def read_city(path: Path) -> City:
    """Read the city's file."""
    return msgspec.json.decode(path.read_bytes(), type=City)


async def build_city(url: str, ledger_key: str) -> City:
    """Add the programme, merchants and members to a new ledger."""
    key = LedgerKey(bytes.fromhex(ledger_key))
    async with Engine.open(url, key) as engine, engine.pool.connection() as connection:
        async with unit_of_work(connection):
            rules = NewRules(EarnRate(1, 100), validity_months=24)
            programme = await add_programme(
                connection, NewProgramme(code=PROGRAMME, currency="CNY", zone="Asia/Shanghai", rules=rules)
            )
            partners = []
            for number in range(MERCHANTS):
                partner = await add_partner(connection, f"B{number}", f"Merchant {number}", "merchant")
                await permit(connection, programme, partner, may_issue=True, may_accept=True)
                partners.append(partner)
        async with unit_of_work(connection):
            references = [f"m{number}" for number in range(MEMBERS)]
            created = await create_members(connection, key, partners[0], references, engine.lanes)
    return City(url, ledger_key, partners, [str(member.public_id) for member in created.values()])


class Day:
    """Makes commands of a day: earns and redemptions by random members at random merchants."""

    def __init__(self, city: City, seed: int, redemptions: float = REDEMPTIONS) -> None:
        self._city = city
        self._chance = random.Random(seed)
        self._redemptions = redemptions

    def next_command(self) -> tuple[int, Earn | Redeem]:
        """One command and the partner that submits it."""
        chance = self._chance
        partner = chance.choice(self._city.partners)
        member = chance.choice(self._city.members)
        if chance.random() < self._redemptions:
            points = chance.randint(1, 60)
            return partner, Redeem(programme=PROGRAMME, member=member, points=points, scene="food")
        points = chance.randint(1, 200)
        return partner, Earn(programme=PROGRAMME, member=member, points=points, scene="food")
