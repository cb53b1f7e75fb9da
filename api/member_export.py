"""The export of all that the ledger holds of a member: one JSON document, written page by page.

Each page is read in a statement of its own and over a connection that goes back at once, so a member with
a long history and a slow line hold up nobody.
"""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec

from api.answers import balance_answer, lots_answer, rfc3339, statement_answer
from api.schemas.consents import consent_answer
from api.schemas.personal_data import ExportedAppeal, ExportedName, ExportedProfile, ExportedText, ExportedToken
from api.wiring import Wiring
from ledger.reading.cursors import MAXIMUM_LIMIT
from ledger.reading.lots import read_lots
from ledger.reading.personal_data import read_names, read_programmes, read_texts, read_token_ends
from ledger.reading.statement import read_statement
from ledger.rules.programmes import Programme
from ledger.store.appeals import list_appeals_of
from ledger.store.consents import read_consents
from ledger.store.ledger_row import read_clock
from ledger.store.member_selves import MemberSelf, read_selves
from ledger.store.members import Member
from ledger.store.personal_data import read_personal_data

FORMAT = 2

_encode = msgspec.json.Encoder().encode


async def write_export(wiring: Wiring, member: Member) -> AsyncIterator[bytes]:
    """Write the document of ``ExportAnswer``, also of what the member was before it was moved or merged."""
    async with wiring.engine.pool.connection() as connection:
        selves = await read_selves(connection, member)
        exported_at = await read_clock(connection)
    profile = await wiring.profile(member)
    head = {
        "format": FORMAT,
        "id": profile.public_id,
        "status": profile.status,
        "created_at": rfc3339(profile.created_at),
        "exported_at": rfc3339(exported_at),
    }
    yield _encode(head)[:-1]
    for name, items in (
        ("profiles", _profiles(wiring, selves)),
        ("names", _names(wiring, selves)),
        ("tokens", _tokens(wiring, selves)),
        ("consents", _consents(wiring, selves)),
        ("appeals", _appeals(wiring, selves)),
        ("accounts", _accounts(wiring, selves)),
        ("texts", _texts(wiring, selves)),
    ):
        yield f',"{name}":['.encode()
        async for piece in items:
            yield piece
        yield b"]"
    yield b"}"


async def _profiles(wiring: Wiring, selves: list[MemberSelf]) -> AsyncIterator[bytes]:
    async with wiring.engine.pool.connection() as connection:
        found = await read_personal_data(connection, _public_ids(selves))
    yield _items([ExportedProfile(data.region, data.birth_year, rfc3339(data.created_at)) for data in found])


async def _names(wiring: Wiring, selves: list[MemberSelf]) -> AsyncIterator[bytes]:
    async with wiring.engine.pool.connection() as connection:
        found = await read_names(connection, [one.place for one in selves])
    partners = (await wiring.fresh_registry()).partners
    yield _items(
        [
            ExportedName(
                name.kind,
                None if name.partner is None else partners[name.partner].code,
                rfc3339(name.created_at),
                None if name.blocked_at is None else rfc3339(name.blocked_at),
            )
            for name in found
        ]
    )


async def _tokens(wiring: Wiring, selves: list[MemberSelf]) -> AsyncIterator[bytes]:
    async with wiring.engine.pool.connection() as connection:
        ends = await read_token_ends(connection, [one.place for one in selves])
    yield _items([ExportedToken(rfc3339(end)) for end in ends])


async def _consents(wiring: Wiring, selves: list[MemberSelf]) -> AsyncIterator[bytes]:
    after: UUID | None = None
    while True:
        async with wiring.engine.pool.connection() as connection:
            page = await read_consents(connection, _public_ids(selves), seen_by=None, after=after, limit=MAXIMUM_LIMIT)
        registry = await wiring.fresh_registry()
        yield _items([consent_answer(consent, registry) for consent in page], is_first=after is None)
        if len(page) < MAXIMUM_LIMIT:
            return
        after = page[-1].consent_id


async def _appeals(wiring: Wiring, selves: list[MemberSelf]) -> AsyncIterator[bytes]:
    async with wiring.engine.pool.connection() as connection:
        found = await list_appeals_of(connection, _public_ids(selves))
    yield _items(
        [
            ExportedAppeal(
                transaction_id=(await wiring.view(appeal.place)).id,
                about=appeal.about,
                state=appeal.state,
                grounds=appeal.grounds,
                appealed_at=rfc3339(appeal.appealed_at),
                decided_at=None if appeal.decided_at is None else rfc3339(appeal.decided_at),
                answer=appeal.answer,
            )
            for appeal in found
        ]
    )


async def _accounts(wiring: Wiring, selves: list[MemberSelf]) -> AsyncIterator[bytes]:
    is_first = True
    for one in selves:
        async with wiring.engine.pool.connection() as connection:
            numbers = await read_programmes(connection, one.place)
        registry = await wiring.fresh_registry()
        for number in numbers:
            programme = registry.programme_numbered(number)
            balance = balance_answer(await wiring.balances.get(one.place, programme), str(one.public_id), programme)
            yield (b"" if is_first else b",") + b'{"balance":' + _encode(balance) + b',"lots":['
            is_first = False
            async for piece in _lots(wiring, one.place, programme):
                yield piece
            yield b'],"statement":['
            async for piece in _statement(wiring, one.place, programme):
                yield piece
            yield b"]}"


async def _lots(wiring: Wiring, place: Member, programme: Programme) -> AsyncIterator[bytes]:
    engine, cursor = wiring.engine, None
    while True:
        async with engine.pool.connection() as connection:
            page = await read_lots(
                connection,
                engine.key,
                engine.registry.current,
                place,
                programme,
                all_lots=True,
                cursor=cursor,
                limit=MAXIMUM_LIMIT,
            )
        yield _items(lots_answer(page).lots, is_first=cursor is None)
        cursor = page.next_cursor
        if cursor is None:
            return


async def _statement(wiring: Wiring, place: Member, programme: Programme) -> AsyncIterator[bytes]:
    engine, cursor = wiring.engine, None
    while True:
        async with engine.pool.connection() as connection:
            page = await read_statement(
                connection,
                engine.key,
                engine.registry.current,
                place,
                programme,
                cursor=cursor,
                limit=MAXIMUM_LIMIT,
            )
        yield _items(statement_answer(page).lines, is_first=cursor is None)
        cursor = page.next_cursor
        if cursor is None:
            return


async def _texts(wiring: Wiring, selves: list[MemberSelf]) -> AsyncIterator[bytes]:
    is_first = True
    for one in selves:
        after: int | None = 0
        while after is not None:
            async with wiring.engine.pool.connection() as connection:
                page = await read_texts(connection, one.place, after=after, limit=MAXIMUM_LIMIT)
            texts = [ExportedText(text.transaction_id, msgspec.Raw(text.document)) for text in page]
            yield _items(texts, is_first=is_first)
            is_first = is_first and not page
            after = page[-1].sequence if len(page) == MAXIMUM_LIMIT else None


def _public_ids(selves: list[MemberSelf]) -> list[UUID]:
    return list({one.public_id for one in selves})


def _items(items: Sequence[msgspec.Struct], *, is_first: bool = True) -> bytes:
    """Items of a JSON array without its brackets, with the comma that parts them from the page before."""
    if not items:
        return b""
    return (b"" if is_first else b",") + b",".join([_encode(item) for item in items])
