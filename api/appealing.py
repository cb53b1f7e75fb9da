"""Appeals: what a member may appeal against, and what staff answer; for the portal, the operator's pages and the API.

An upheld appeal changes nothing by itself: a freeze is lifted by whoever may, and points are given back by two persons.
"""

import unicodedata
from uuid import UUID, uuid4

import msgspec
from litestar import Response
from psycopg import AsyncConnection

from api.idempotent_answers import FirstAnswer, answer_once
from api.wiring import Wiring
from ledger.errors import MemberNotFound, NotAppealable, NotFound, TransactionNotFound
from ledger.ids import Place, place_of, transaction_id
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import read_views
from ledger.rules.programmes import Registry
from ledger.store.appeals import (
    MOST_CHARACTERS,
    AppealAbout,
    Verdict,
    add_appeal,
    decide_appeal,
    find_freeze,
    lock_appeal,
    note_proposal,
)
from ledger.store.approvals import Correction, add_approval
from ledger.store.member_selves import MemberSelf, read_selves
from ledger.store.members import Member
from ledger.store.transaction_places import read_transaction_heads
from ledger.store.unit_of_work import unit_of_work

TAKING_BACK = frozenset({"reverse", "adjust"})
"""Kinds of transactions that may take points which a member had; expiry is none of them, nor what it spent itself."""

_ACCOUNTS = ("available", "held", "shortfall")


class AppealAsked(msgspec.Struct, frozen=True):
    """What a member appeals against: a transaction by its id, or with None the freeze of its account."""

    transaction: str | None
    grounds: str


class AppealKept(msgspec.Struct, frozen=True):
    """The answer that is kept of an appeal: no word of what was written."""

    id: str


class Decision(msgspec.Struct, frozen=True):
    """How an appeal is answered."""

    verdict: Verdict
    answer: str


class Appealable(msgspec.Struct, frozen=True):
    """Something that a member may appeal against, and the member as it is now."""

    place: Place
    about: AppealAbout
    of: MemberSelf


def points_taken(view: TransactionView) -> int:
    """How many points a transaction took back from its member; 0 where it may not be appealed against."""
    if view.kind not in TAKING_BACK:
        return 0
    return max(0, -sum(view.change(account) for account in _ACCOUNTS))


def plain_text(text: str) -> str:
    """What somebody wrote, with line breaks of one kind and without control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in lines if one == "\n" or unicodedata.category(one) != "Cc").strip()


def is_fit(text: str) -> bool:
    """Whether grounds or an answer say something and are not too long."""
    return 0 < len(text) <= MOST_CHARACTERS


async def find_appealable(
    connection: AsyncConnection, registry: Registry, member: Member, transaction: str | None
) -> Appealable:
    """What a member means: one of its own transactions that took points, or the freeze that stands.

    Raises TransactionNotFound for what is not its own, NotAppealable for what took nothing or where nothing is frozen.
    """
    selves = await read_selves(connection, member)
    if not selves:
        raise MemberNotFound("There is no such member.")
    if transaction is None:
        freeze = await find_freeze(connection, selves)
        if freeze is None:
            raise NotAppealable("The account is not frozen.")
        return Appealable(freeze, "freeze", selves[0])
    place = await _own_transaction(connection, selves, transaction)
    views = await read_views(connection, registry, [place])
    if not points_taken(views[place]):
        raise NotAppealable("The transaction took no points back.")
    return Appealable(place, "points", selves[0])


async def make_appeal(
    wiring: Wiring, member: Member, owner: str, idempotency_key: str, asked: AppealAsked
) -> Response[bytes]:
    """Keep a member's appeal, once per key; answered 404 and 409 as ``find_appealable`` and ``add_appeal`` raise.

    ``asked.grounds`` are fit.
    """
    registry = await wiring.fresh_registry()

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_appealable(connection, registry, member, asked.transaction)
        appeal = await add_appeal(connection, uuid4(), found.of, found.place, found.about, asked.grounds)
        return FirstAnswer(201, AppealKept(str(appeal.appeal_id)))

    return await answer_once(wiring.engine, owner, idempotency_key, "appeal", asked, work)


async def answer_appeal(
    wiring: Wiring, person: str, owner: str, idempotency_key: str, appeal: UUID, decision: Decision
) -> Response[bytes]:
    """Answer an appeal, once per key; 404 for an unknown one, 409 for one that another answer was first to."""

    async def work(connection: AsyncConnection) -> FirstAnswer:
        decided = await decide_appeal(connection, appeal, person, decision.verdict, decision.answer)
        return FirstAnswer(201, AppealKept(str(decided.appeal_id)))

    return await answer_once(wiring.engine, owner, idempotency_key, f"answer-appeal:{appeal}", decision, work)


async def propose_giving_back(wiring: Wiring, person: str, appeal: UUID) -> UUID:
    """Ask for an adjustment that gives back what an upheld appeal was about; another person approves it.

    Again it answers the same proposal. Raises NotFound, and NotAppealable where the appeal was not upheld.
    """
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        found = await lock_appeal(connection, appeal)
        if found.approval_id is not None:
            return found.approval_id
        if found.state != "upheld" or found.about != "points":
            raise NotAppealable("Points are given back for an appeal that was upheld.")
        views = await read_views(connection, registry, [found.place])
        view = views[found.place]
        if view.programme is None or view.partner is None:
            raise NotAppealable("No partner took these points.")
        correction = Correction(
            programme=view.programme,
            member=str(found.public_id),
            partner=view.partner,
            points=points_taken(view),
            takes=False,
            reason=f"appeal {appeal} upheld, against {view.id}",
        )
        approval = uuid4()
        await add_approval(connection, approval, "adjust", correction, person)
        await note_proposal(connection, appeal, approval)
    return approval


def appeal_id_of(text: str) -> UUID:
    """The id that an address names; raises NotFound for what is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("No appeal has this id.") from error


async def _own_transaction(connection: AsyncConnection, selves: list[MemberSelf], identifier: str) -> Place:
    place = _place_named(identifier)
    heads = {} if place is None else await read_transaction_heads(connection, [place])
    for place, head in heads.items():
        found = transaction_id(head.recorded_at, head.lane, head.sequence, head.hash)
        is_own = Member(head.lane, head.member) in [one.place for one in selves]
        if is_own and found == identifier.lower():
            return place
    raise TransactionNotFound("You have no transaction of this id.")


def _place_named(identifier: str) -> Place | None:
    try:
        return place_of(UUID(identifier))
    except ValueError:
        return None
