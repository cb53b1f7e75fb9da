"""The customer at a counter: what a code or card lets the partner see, and the programmes it takes part in."""

from typing import Literal

import msgspec

from api.pages.merchant.counter_form import Presented
from api.pages.merchant.merchant_view import MerchantView
from api.presented_codes import look_at_code
from ledger.errors import CodeExpired, CodeUsed, MemberNotFound, ProgrammeNotFound
from ledger.rules.programmes import Programme


class Customer(msgspec.Struct, frozen=True):
    """What may be seen of a customer: its status, and where it shows a code its points by programme."""

    presented: Presented
    status: str
    available: tuple[tuple[str, int], ...]


class CustomerRefused(Exception):
    """A code or card that names nobody any more, by the code of the refusal."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def customer_of(view: MerchantView, presented: Presented) -> Customer:
    """Find the customer; raises CustomerRefused, and 429 where codes that nobody has come again and again."""
    if presented.kind == "card":
        member = await view.wiring.engine.intake.find_member(view.partner.number, presented.name)
        if member is None:
            raise CustomerRefused(MemberNotFound.code)
        return Customer(presented, (await view.wiring.profile(member)).status, ())
    try:
        member = await look_at_code(view.wiring, view.partner.number, presented.digits)
    except (MemberNotFound, CodeUsed, CodeExpired) as error:
        raise CustomerRefused(error.code) from error
    available = []
    for programme in programmes_of(view):
        balance = await view.wiring.balances.get(member, programme)
        available.append((programme.code, balance.available))
    return Customer(presented, (await view.wiring.profile(member)).status, tuple(available))


def programmes_of(view: MerchantView) -> list[Programme]:
    """The open programmes in which the partner may give or take points."""
    number = view.partner.number
    found = [one for one in view.registry.programmes.values() if one.is_open]
    return sorted((one for one in found if number in one.issuers | one.acceptors), key=lambda one: one.number)


def may_issue(view: MerchantView) -> list[Programme]:
    """Those in which it may give points."""
    return [one for one in programmes_of(view) if view.partner.number in one.issuers]


def may_accept(view: MerchantView) -> list[Programme]:
    """Those in which it may take points."""
    return [one for one in programmes_of(view) if view.partner.number in one.acceptors]


def programme_named(view: MerchantView, code: str, operation: Literal["earn", "redeem"]) -> Programme:
    """One of these by its code; raises ProgrammeNotFound for any other."""
    offered = may_issue(view) if operation == "earn" else may_accept(view)
    for programme in offered:
        if programme.code == code:
            return programme
    raise ProgrammeNotFound("You take part in no programme of this code.")
