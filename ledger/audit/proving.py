"""Proofs of transactions, from the journal and the seal that covers them."""

from psycopg import AsyncConnection

from ledger.audit.lane_trees import grow_lane_tree, read_hash
from ledger.audit.named import read_lots
from ledger.audit.pages import read_page
from ledger.errors import LedgerAltered, NotSealedYet
from ledger.ids import MAX_NUMBER, Place
from ledger.rules.journal import CHAIN_START, Transaction, canonical_form, chain_hash
from ledger.rules.proofs import PROOF_FORMAT, CanonicalForm, Proof
from ledger.rules.seals import path_of_lane
from ledger.store.seals import find_seal_of


async def prove(connection: AsyncConnection, place: Place, *, with_canonical_form: bool) -> Proof:
    """Make the proof of a transaction that is there.

    The canonical form shows the member's balance. Raises NotSealedYet, and LedgerAltered where the journal is not
    what was sealed.
    """
    row = await find_seal_of(connection, place)
    if row is None:
        raise NotSealedYet("The transaction is recorded; the next seal, at most a day away, will cover it.")
    document = row.document()
    lane = document.lanes[place.lane]
    grown = await grow_lane_tree(connection, lane.lane, lane.first, lane.last, proven=place.number)
    if grown.proven is None or grown.tree.root().hex() != lane.root:
        raise LedgerAltered(f"Lane {lane.lane} is not what was sealed in seal {row.number}.")
    digest, transaction = grown.proven
    return Proof(
        format=PROOF_FORMAT,
        transaction=transaction,
        hash=digest.hex(),
        canonical_form=await _canonical_form(connection, place, digest) if with_canonical_form else None,
        lane_path=tuple(step.hex() for step in grown.tree.path()),
        lane=lane,
        seal_path=path_of_lane(document.lanes, lane.lane),
        seal=document.seal,
        signature=document.signature,
    )


async def _canonical_form(connection: AsyncConnection, place: Place, digest: bytes) -> CanonicalForm:
    """The text that the chain hashed to ``digest``, rebuilt from the transaction's rows."""
    lane, sequence = place
    previous: bytes | None = CHAIN_START
    if sequence > 1:
        previous = await read_hash(connection, lane, sequence - 1)
    transaction = await _read_transaction(connection, place)
    if previous is None or transaction is None or chain_hash(previous, transaction) != digest:
        raise LedgerAltered(f"Transaction {sequence} of lane {lane}, or the one before, is not what was recorded.")
    return CanonicalForm(previous.hex(), canonical_form(transaction).decode())


async def _read_transaction(connection: AsyncConnection, place: Place) -> Transaction | None:
    lane, sequence = place
    # No lot has such a number, so this one comes without its lots; its postings name those that it opened.
    page = await read_page(connection, lane, sequence, sequence + 1, MAX_NUMBER)
    named = sorted({lot for entry in page.entries for posting in entry.transaction.postings if (lot := posting.lot)})
    opened = [row.opening.lot for row in await read_lots(connection, lane, named) if row.sequence == sequence]
    if opened:
        page = await read_page(connection, lane, sequence, sequence + 1, opened[0])
    return page.entries[0].transaction if page.entries else None
