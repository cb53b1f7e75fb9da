"""Seals, the keys that sign them, and proofs of transactions against them."""

from typing import Annotated

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import PathParameter

from api.access import for_anyone, for_readers, token_member_of
from api.answers import rfc3339
from api.authentication import PartnerCaller
from api.pages_of_lists import next_link
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import LIST_PROBLEMS, READ_PROBLEMS, CodePath, CursorQuery, LimitQuery, answers
from api.routes.transactions import find_visible_transaction
from api.schemas.seals import EarlierKey, SealAnswer, SealKeyAnswer, SealPage
from api.wiring import wiring_of
from ledger.audit.proving import prove
from ledger.errors import NotFound
from ledger.ids import Place
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, read_cursor, refuse_limit, write_cursor
from ledger.rules.proofs import Proof
from ledger.rules.seal_keys import fingerprint, public_key_as_pem
from ledger.rules.seals import Seal, SealDocument, encode_document, seal_hash
from ledger.store.members import Member
from ledger.store.seals import list_seals, read_key_periods, read_seals

HIGHEST_NUMBER = 2**31 - 1
SEALS = PagedList("seals")

_encode = msgspec.json.Encoder().encode

SealPath = Annotated[int, PathParameter(description="A seal's number, from 1.")]


@get(
    "/v1/seals",
    before_request=for_anyone,
    operation_id="listSeals",
    summary="List seals",
    tags=["Seals"],
    responses=answers(200, SealPage, "A page.", *LIST_PROBLEMS),
)
async def get_seals(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Seals, newest first. Whoever keeps them notices when the ledger is later another one."""
    wiring = wiring_of(request)
    refuse_limit(limit)
    before = None if cursor is None else int(read_cursor(wiring.engine.key, SEALS, cursor)[0])
    async with wiring.engine.pool.connection() as connection:
        found = await list_seals(connection, before=before, limit=limit + 1)
    page = found[:limit]
    next_cursor = write_cursor(wiring.engine.key, SEALS, (page[-1].number,)) if len(found) > limit else None
    answer = SealPage([_seal_answer(seal) for seal in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@get(
    "/v1/seals/{number:int}",
    before_request=for_anyone,
    operation_id="getSeal",
    summary="Read a seal",
    tags=["Seals"],
    responses=answers(200, SealDocument, "The seal, its signature and its lanes.", *READ_PROBLEMS, "not-found"),
)
async def get_seal(request: CityRequest, number: SealPath) -> Response[bytes]:
    """The very document that was written outside the database."""
    async with wiring_of(request).engine.pool.connection() as connection:
        rows = await read_seals(connection, [number] if 0 < number <= HIGHEST_NUMBER else [])
    if not rows:
        raise NotFound("No seal has this number.")
    return Response(encode_document(rows[0].document()), media_type=JSON)


@get(
    "/v1/seals/key",
    operation_id="getSealKey",
    summary="Read the public key of the seals",
    tags=["Seals"],
    responses=answers(200, SealKeyAnswer, "The key in use and those before it.", "not-found", "database-unavailable"),
)
async def get_seal_key(request: Request[object, object, State]) -> Response[bytes]:
    """Open to all, so that whoever holds a proof can check it. Ask the operator for the fingerprint by another way."""
    async with wiring_of(request).engine.pool.connection() as connection:
        periods = await read_key_periods(connection)
    if not periods:
        raise NotFound("Nothing is sealed yet, so no key has signed.")
    newest, *earlier = periods
    answer = SealKeyAnswer(
        algorithm="Ed25519",
        public_key=newest.public_key,
        fingerprint=fingerprint(newest.public_key),
        pem=public_key_as_pem(newest.public_key),
        first_seal=newest.first_seal,
        last_seal=newest.last_seal,
        earlier=[
            EarlierKey(key.public_key, fingerprint(key.public_key), key.first_seal, key.last_seal) for key in earlier
        ],
    )
    return Response(_encode(answer), media_type=JSON)


@get(
    "/v1/transactions/{transaction:str}/proof",
    before_request=for_readers,
    operation_id="getProof",
    summary="Prove a transaction",
    tags=["Seals"],
    responses=answers(
        200,
        Proof,
        "The proof, for `citypoints verify-proof`.",
        *READ_PROBLEMS,
        "transaction-not-found",
        "not-sealed-yet",
    ),
)
async def get_proof(request: CityRequest, transaction: CodePath) -> Response[bytes]:
    """A proof that anybody can check offline, of a transaction that you may read.

    `canonical_form` shows the member's balance after the transaction, so a partner gets it only with that member's
    token in `Member-Token`; the proof holds without it.
    """
    head = await find_visible_transaction(request, transaction)
    shows_balance = not isinstance(request.user, PartnerCaller)
    if not shows_balance:
        shows_balance = await token_member_of(request) == Member(head.lane, head.member)
    async with wiring_of(request).engine.pool.connection() as connection:
        proof = await prove(connection, Place(head.lane, head.sequence), with_canonical_form=shows_balance)
    return Response(_encode(proof), media_type=JSON)


def _seal_answer(seal: Seal) -> SealAnswer:
    return SealAnswer(
        number=seal.number,
        sealed_at=rfc3339(seal.sealed_at),
        transactions=seal.transactions,
        recorded=seal.recorded,
        root=seal.root,
        hash=seal_hash(seal),
        previous=seal.previous,
        public_key=seal.public_key,
    )


seal_routes = [get_seals, get_seal, get_seal_key, get_proof]
