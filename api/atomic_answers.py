"""The answer of an atomic bulk: every item's own answer, read back from where the items are in the journal."""

import asyncio

import msgspec

from api.answers import render_transaction
from api.posting_answers import CREATED, OK, Answered, answer_outcome
from api.schemas.bulk import BulkAnswer, BulkResult
from api.wiring import Wiring
from ledger.ids import Place
from ledger.reading.transactions import places_of
from ledger.rules.atomic import places_of_items
from ledger.rules.outcomes import Outcome, Posted, Replayed

_encode = msgspec.json.Encoder().encode


async def answer_atomic(wiring: Wiring, outcome: Outcome) -> Answered:
    """Render what became of an atomic bulk; a repeat gives the bytes of the first answer."""
    if isinstance(outcome, Posted):
        places = [_place(item) for item in outcome.items]
        return Answered(OK, _bulk(await _bodies(wiring, places)))
    found = places_of_items(outcome.record.answer) if isinstance(outcome, Replayed) else None
    if found is None:
        return await answer_outcome(wiring, outcome)
    return Answered(OK, _bulk(await _bodies(wiring, found)), is_replay=True)


def _place(item: Posted | Replayed) -> Place:
    if isinstance(item, Replayed):
        [place] = places_of(item.record)
        return place
    [entry] = item.own_entries
    return Place(entry.transaction.lane, entry.transaction.sequence)


async def _bodies(wiring: Wiring, places: list[Place]) -> list[bytes]:
    views = await asyncio.gather(*(wiring.view(place) for place in places))
    return [render_transaction(view) for view in views]


def _bulk(bodies: list[bytes]) -> bytes:
    return _encode(BulkAnswer([BulkResult(CREATED, msgspec.Raw(body)) for body in bodies]))
