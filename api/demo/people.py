"""Who can be signed in as in the demo: one person for each role, and no passwords."""

import asyncio

import msgspec

from api.demo.city import CARD_OFFICE, citizens
from api.demo.life import by_purse
from api.demo.month import month
from api.signing_in.claims import MEMBER, PARTNER, ROLES
from api.wiring import Wiring
from ledger.store.member_creation import read_created_at

MERCHANT = "OLD-STREET-TEA"
# The citizen with the second fullest purse: it has an open hold and has given a gift.
CITIZEN_BY_PURSE = 1


class DemoPerson(msgspec.Struct, frozen=True):
    """A person of the demo: its subject at the identity provider, and what its token claims beside it."""

    subject: str
    claims: dict[str, object]


_STAFF = (
    DemoPerson("finance-clerk", {ROLES: ["finance-clerk"]}),
    DemoPerson("finance-approver", {ROLES: ["finance-approver"]}),
    DemoPerson("operator", {ROLES: ["operator"]}),
)


async def demo_people(wiring: Wiring) -> tuple[DemoPerson, ...]:
    """Everybody who can be signed in as; over a ledger without the demo city only its staff."""
    people: list[DemoPerson] = []
    citizen = await _citizen(wiring)
    if citizen is not None:
        people.append(DemoPerson("citizen", {ROLES: ["citizen"], MEMBER: citizen}))
    if wiring.engine.registry.current.partner_coded(MERCHANT) is not None:
        people.append(DemoPerson("merchant", {ROLES: ["merchant"], PARTNER: MERCHANT}))
    return (*people, *_STAFF)


async def _citizen(wiring: Wiring) -> str | None:
    engine = wiring.engine
    office = engine.registry.current.partner_coded(CARD_OFFICE.code)
    if office is None or not engine.ledger.has_demo:
        return None
    first = await engine.intake.find_member(office.number, f"ref:{citizens()[0]}")
    if first is None:
        return None
    async with engine.pool.connection() as connection:
        until = await read_created_at(connection, first)
    reference = await asyncio.to_thread(lambda: by_purse(month(until))[CITIZEN_BY_PURSE])
    member = await engine.intake.find_member(office.number, f"ref:{reference}")
    return None if member is None else await wiring.public_id(member)
