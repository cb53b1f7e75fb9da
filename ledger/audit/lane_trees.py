"""The tree of a lane's transactions that a seal is made of, grown from the journal page by page."""

import msgspec
from psycopg import AsyncConnection

from ledger.errors import LedgerAltered
from ledger.rules.merkle import MerkleTree
from ledger.rules.seals import SealedTransaction, transaction_leaf

PAGE_TRANSACTIONS = 1_000

_READ_PAGE = f"""
select hash, {", ".join(SealedTransaction.__struct_fields__)} from transactions
where lane = %s and sequence >= %s and sequence <= %s order by sequence limit %s
"""
_READ_HASH = "select hash from transactions where lane = %s and sequence = %s"


class LaneTree(msgspec.Struct):
    """A lane's tree, the hash of its last transaction, and the transaction whose path is wanted, with its hash."""

    tree: MerkleTree
    head: bytes | None = None
    proven: tuple[bytes, SealedTransaction] | None = None


async def grow_lane_tree(
    connection: AsyncConnection, lane: int, first: int, last: int, *, proven: int | None = None
) -> LaneTree:
    """Grow the tree of the transactions ``first`` to ``last`` of a lane.

    ``proven`` is the sequence of the transaction whose path is wanted. Raises LedgerAltered where one is missing.
    """
    grown = LaneTree(MerkleTree(None if proven is None else proven - first))
    sequence = first
    while sequence <= last:
        cursor = await connection.execute(_READ_PAGE, [lane, sequence, last, PAGE_TRANSACTIONS])
        rows = await cursor.fetchall()
        if not rows:
            raise _missing(lane, sequence)
        for digest, *fields in rows:
            transaction = SealedTransaction(*fields)
            if transaction.sequence != sequence:
                raise _missing(lane, sequence)
            grown.tree.append(transaction_leaf(digest, transaction))
            grown.head = digest
            if sequence == proven:
                grown.proven = (digest, transaction)
            sequence += 1
    return grown


async def read_hash(connection: AsyncConnection, lane: int, sequence: int) -> bytes | None:
    """The stored hash of a transaction; None where there is none."""
    cursor = await connection.execute(_READ_HASH, [lane, sequence])
    row = await cursor.fetchone()
    return None if row is None else bytes(row[0])


def _missing(lane: int, sequence: int) -> LedgerAltered:
    return LedgerAltered(f"Transaction {sequence} of lane {lane} is not there.")
