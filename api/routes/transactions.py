"""Looking transactions up: by id, by idempotency key, by the partner's own reference."""

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from api.access import for_anyone, for_readers, key_owner_of, partner_of
from api.answers import JournalAnswer, journal_answer
from api.authentication import Caller, PartnerCaller, StaffCaller
from api.posting_answers import JSON
from api.problems import problem_document
from api.requests import CityRequest
from api.routes.declarations import READ_PROBLEMS, CodePath, answers
from api.schemas.fields import refuse
from api.schemas.transactions import FoundAnswer
from api.wiring import Wiring, wiring_of
from ledger.errors import NotFound, TransactionNotFound
from ledger.ids import Place
from ledger.reading.transactions import find_by_key, find_by_reference, places_of, read_views, reversals_of
from ledger.rules.atomic import places_of_items
from ledger.rules.outcomes import Refused
from ledger.rules.state import KeyRecord
from ledger.store.member_selves import read_selves
from ledger.store.members import Member
from ledger.store.transaction_places import TransactionHead

_encode = msgspec.json.Encoder().encode
_decode_refused = msgspec.json.Decoder(Refused).decode

KeyQuery = Annotated[
    str | None, QueryParameter(name="key", required=False, description="An Idempotency-Key that you used.")
]
ReferenceQuery = Annotated[
    str | None,
    QueryParameter(name="reference", required=False, description="A reference that you gave to transactions."),
]


@get(
    "/v1/transactions/{transaction:str}",
    before_request=for_readers,
    operation_id="getTransaction",
    summary="Read a transaction",
    tags=["Transactions"],
    responses=answers(
        200, JournalAnswer, "The transaction with its postings.", *READ_PROBLEMS, "transaction-not-found"
    ),
)
async def get_transaction(request: CityRequest, transaction: CodePath) -> Response[bytes]:
    """A partner reads its own transactions, a member those on its points, staff any."""
    wiring = wiring_of(request)
    head = await find_visible_transaction(request, transaction)
    is_staff = isinstance(request.user, StaffCaller)
    [answer] = await _read(wiring, [Place(head.lane, head.sequence)], for_staff=is_staff)
    return Response(_encode(answer), media_type=JSON)


@get(
    "/v1/transactions",
    before_request=for_anyone,
    operation_id="findTransactions",
    summary="Find out what became of a key or a reference",
    tags=["Transactions"],
    responses=answers(200, FoundAnswer, "What was found.", *READ_PROBLEMS, "not-found"),
)
async def find_transactions(
    request: CityRequest, key: KeyQuery = None, reference: ReferenceQuery = None
) -> Response[bytes]:
    """Exactly one of `key` and, for partners, `reference`.

    By key: the transactions posted under it, of an atomic bulk those of all its items, or the refusal; 404
    for a key that was never used, so what was sent under it had no effect. By reference: your transactions
    that carry it, newest first, at most 200.
    """
    wiring = wiring_of(request)
    if (key is None) == (reference is None):
        refuse("key, reference", "neither or both of them", "exactly one of the two", "query")
    owner, refusal = await key_owner_of(request), None
    partner = partner_of(request).partner if key is None else None
    async with wiring.engine.pool.connection() as connection:
        if partner is not None:
            places = await find_by_reference(connection, wiring.engine.key, owner, reference or "", partner)
        else:
            record = await find_by_key(connection, wiring.engine.key, owner, key or "")
            if record is None:
                raise NotFound("This Idempotency-Key was never used.")
            places, refusal = places_of_items(record.answer) or places_of(record), _refusal_of(record)
    is_staff = isinstance(request.user, StaffCaller)
    answer = {"transactions": await _read(wiring, places, for_staff=is_staff), "refusal": refusal}
    return Response(_encode(answer), media_type=JSON)


async def find_visible_transaction(request: CityRequest, transaction: str) -> TransactionHead:
    """Find a transaction that the caller may read; raises TransactionNotFound."""
    wiring = wiring_of(request)
    head = await wiring.engine.intake.find_transaction(transaction)
    if head is None or not await _is_visible(wiring, request.user, head):
        raise TransactionNotFound("No transaction of yours has this id.")
    return head


async def _is_visible(wiring: Wiring, caller: Caller, head: TransactionHead) -> bool:
    """Whether a transaction is the caller's to see: a partner's own, a member's own or of one that it was before."""
    if isinstance(caller, PartnerCaller):
        return head.partner == caller.partner
    if isinstance(caller, StaffCaller):
        return True
    async with wiring.engine.pool.connection() as connection:
        selves = await read_selves(connection, caller.member)
    return Member(head.lane, head.member) in [one.place for one in selves]


def _refusal_of(record: KeyRecord) -> dict[str, object] | None:
    """The problem that a key was answered; None where it posted, or changed a member."""
    if record.answer is None:
        return None
    try:
        refusal = _decode_refused(record.answer)
    except msgspec.ValidationError:
        return None
    return problem_document(refusal.code, refusal.detail, refusal.facts)


async def _read(wiring: Wiring, places: list[Place], *, for_staff: bool = False) -> list[JournalAnswer]:
    if not places:
        return []
    async with wiring.engine.pool.connection() as connection:
        views = await read_views(connection, wiring.engine.registry.current, places)
        reversals = await reversals_of(connection, places)
    return [journal_answer(views[place], reversals.get(place, ()), for_staff=for_staff) for place in places]


transaction_routes = [get_transaction, find_transactions]
