"""The journal as the checks read it: each transaction with what its postings did to its member."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import args_row

from ledger.ids import LedgerKey, transaction_id
from ledger.rules.business_day import to_instant
from ledger.rules.journal import TransactionKind

_PAGE = 5_000

# Account kinds: 2 is what a member has available, also pending; 3 what is held, 4 what it owes; 8 what travels between
# members.
_ROWS = """
select t.lane, t.sequence, t.kind, t.points, m.public_id, p.code, t.key_digest, t.recorded_at, t.hash,
       t.available_after, t.held_after, t.pending_after, t.reverses_lane, t.reverses_sequence, f.hold,
       f.expires_at, moved.available, moved.held, moved.owed, moved.arrives
from transactions t
left join members m on m.lane = t.lane and m.member = t.member
left join partners p on p.partner = t.partner
left join particulars f on f.lane = t.lane and f.sequence = t.sequence
cross join lateral (
    select coalesce(sum(amount * ((credit_kind = 2)::int - (debit_kind = 2)::int)), 0)::bigint as available,
           coalesce(sum(amount * ((credit_kind = 3)::int - (debit_kind = 3)::int)), 0)::bigint as held,
           coalesce(sum(amount * ((debit_kind = 4)::int - (credit_kind = 4)::int)), 0)::bigint as owed,
           coalesce(bool_or(debit_kind = 8), false) as arrives
    from postings where postings.lane = t.lane and postings.sequence = t.sequence
) moved
order by t.lane, t.sequence
"""
_OF_PARTNER = """
select t.recorded_at, t.lane, t.sequence, t.hash from transactions t
join partners p on p.partner = t.partner where p.code = %s
"""
_PARTNERS = "select code, partner from partners"


class _Found(NamedTuple):
    """A row of the query."""

    lane: int
    sequence: int
    kind: int
    points: int
    public_id: UUID | None
    code: str | None
    key_digest: bytes
    recorded_at: datetime
    hash: bytes
    available_after: int
    held_after: int
    pending_after: int
    reverses_lane: int | None
    reverses_sequence: int | None
    hold: int | None
    expires_at: datetime | None
    available: int
    held: int
    owed: int
    arrives: bool


_KINDS = {kind.value: kind.name.lower().replace("_", "-") for kind in TransactionKind}

Place = tuple[int, int]
"""A lane and a sequence in it."""


class Row(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A transaction of the journal. ``moved``, ``moved_held``, ``moved_owed``: what it added to its member's accounts.

    ``arrives``: it is what another member gave. All of that may repay what the member owes, and then nothing moves.
    """

    lane: int
    sequence: int
    id: str
    kind: str
    points: int
    member: str | None
    partner: str | None
    key: str
    recorded_at: int = 0
    available: int = 0
    held: int = 0
    pending: int = 0
    moved: int = 0
    moved_held: int = 0
    moved_owed: int = 0
    reverses: Place | None = None
    hold: int | None = None
    expires_at: int | None = None
    arrives: bool = False

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.lane, self.sequence


class Digests:
    """Which key of the journal stands for a caller's idempotency key."""

    def __init__(self, key: LedgerKey, partners: dict[str, int]) -> None:
        self._key = key
        self._partners = partners

    def __call__(self, by: str, key: str) -> str:
        """The digest, in hexadecimal, of the key of a partner (by its code) or a member (by its id)."""
        number = self._partners.get(by)
        return self._key.key_digest(f"m:{by}" if number is None else f"p:{number}", key).hex()


def read_journal(url: str) -> Iterator[Row]:
    """All transactions, lane by lane in their order, in one snapshot."""
    with psycopg.connect(url) as connection, connection.cursor("journal", row_factory=args_row(_Found)) as cursor:
        cursor.itersize = _PAGE
        cursor.execute(_ROWS)
        yield from map(_row, cursor)


def read_ids(url: str, partner: str) -> set[str]:
    """The ids of a partner's transactions."""
    with psycopg.connect(url) as connection:
        found = connection.execute(_OF_PARTNER, [partner])
        return {str(transaction_id(to_instant(at), lane, sequence, digest)) for at, lane, sequence, digest in found}


def read_digests(url: str, key: LedgerKey) -> Digests:
    """The digests of the ledger's callers."""
    with psycopg.connect(url) as connection:
        return Digests(key, dict(connection.execute(_PARTNERS).fetchall()))


def _row(found: _Found) -> Row:
    return Row(
        lane=found.lane,
        sequence=found.sequence,
        id=str(transaction_id(recorded := to_instant(found.recorded_at), found.lane, found.sequence, found.hash)),
        kind=_KINDS[found.kind],
        points=found.points,
        member=None if found.public_id is None else str(found.public_id),
        partner=found.code,
        key=found.key_digest.hex(),
        recorded_at=recorded,
        available=found.available_after,
        held=found.held_after,
        pending=found.pending_after,
        moved=found.available,
        moved_held=found.held,
        reverses=None if found.reverses_lane is None else (found.reverses_lane, found.reverses_sequence or 0),
        hold=found.hold,
        expires_at=None if found.expires_at is None else to_instant(found.expires_at),
        moved_owed=found.owed,
        arrives=found.arrives,
    )
