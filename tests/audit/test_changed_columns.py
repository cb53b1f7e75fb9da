"""Every column of the journal, the keys and the projections is changed behind the auditor's back, one at a time."""

from typing import NamedTuple

import pytest
from sqlalchemy import Column, Table
from sqlalchemy.types import Boolean, Date, DateTime, Integer, LargeBinary

from ledger.store.epoch_tables import epoch_starts
from ledger.store.life_tables import gift_months, hold_lots, holds, lot_origins, particulars
from ledger.store.money_tables import money_postings
from ledger.store.tables import (
    details,
    idempotency_keys,
    lanes,
    lots,
    member_points,
    metadata,
    party_balances,
    postings,
    shortfalls,
    taken_back,
    transactions,
)
from settlement.store.tables import disputes, settlement_ranges
from tests.audit.conftest import audit_of
from tests.audit.tampering import KEYS_OF_TABLES, change_to, connect, drop_checks, names, pick
from tests.databases import LedgerDatabase

JOURNAL = (transactions, postings, lots, particulars, lot_origins, idempotency_keys, money_postings)
PROJECTIONS = (
    member_points,
    shortfalls,
    party_balances,
    taken_back,
    holds,
    hold_lots,
    gift_months,
    epoch_starts,
)
AUDITED = (*JOURNAL, lanes, details, *PROJECTIONS)

# Tables with a lane that say who somebody is, what a member showed or said, or who decided, not what happened; what
# the auditor asks of members and approvals is tested by rows. Where lanes stood when a day was closed is for the
# audit of settlement.
SET_UP_IN_LANES = {
    "members",
    "member_names",
    "member_tokens",
    "member_codes",
    "appeals",
    "approvals",
    settlement_ranges.name,
    disputes.name,
}


OTHER_BYTES = "set_byte({name}, 3, get_byte({name}, 3) # 1)"


class Change(NamedTuple):
    """What a column is changed to, and of which row."""

    to: str
    where: str = "true"


# Where another value by type would not do.
CHANGES = {
    ("transactions", "scene"): Change("'health'"),
    ("transactions", "channel"): Change("'web'"),
    ("transactions", "outlet"): Change("'8'"),
    ("idempotency_keys", "answer"): Change("'no json'::bytea"),
    # A refusal is in no transaction that its key could be compared with.
    ("idempotency_keys", "digest"): Change(OTHER_BYTES.format(name="digest"), "lane is not null"),
    ("idempotency_keys", "request_digest"): Change(OTHER_BYTES.format(name="request_digest"), "lane is not null"),
    ("lots", "is_open"): Change("not is_open"),
    # Later is allowed: a day's close will raise it.
    ("lanes", "recorded_at"): Change("recorded_at - interval '1 second'"),
    # What only some kinds have.
    ("particulars", "approval"): Change("'019a8f4e-5d21-8001-8000-00000abcdef0'", "approval is not null"),
    ("particulars", "expires_on"): Change("expires_on + 1", "expires_on is not null"),
    ("particulars", "expires_at"): Change("expires_at + interval '1 microsecond'", "expires_at is not null"),
    ("particulars", "about"): Change("'another'", "about is not null"),
    ("particulars", "money"): Change("repeat('0', 64)", "money is not null"),
    ("particulars", "epoch_identity"): Change("repeat('0', 32)", "epoch is not null"),
    ("particulars", "superseded_seals"): Change("repeat('0', 64)", "epoch is not null"),
    ("money_postings", "currency"): Change("'USD'"),
    # Earlier is allowed: then more is read than needed, never too little.
    ("member_points", "next_lapse_at"): Change(
        "null",
        "exists(select from lots l where l.lane = t.lane and l.member = t.member and l.programme = t.programme "
        "and l.is_open)",
    ),
    # Later is allowed, for the same reason.
    ("member_points", "pending_until"): Change(
        "null",
        "exists(select from lots l where l.lane = t.lane and l.member = t.member and l.programme = t.programme "
        "and l.is_open and l.available_from > (select now from sandbox_clock))",
    ),
}

# Found by nobody who does not have the ledger's key, which the auditor does not need: a partner's reference.
HIDDEN = {("details", "reference_digest")}

COLUMNS = [
    pytest.param(table, column, id=f"{table.name}.{column.name}")
    for table in AUDITED
    for column in table.columns
    if (table.name, column.name) not in HIDDEN
]


def change_of(table: Table, column: Column[object]) -> Change:
    """Another value of the column's type."""
    given = CHANGES.get((table.name, column.name))
    if given is not None:
        return given
    name = column.name
    if isinstance(column.type, Integer):
        return Change(f"coalesce({name}, 0) + {1000 if name in KEYS_OF_TABLES[table.name] else 1}")
    if isinstance(column.type, LargeBinary):
        return Change(OTHER_BYTES.format(name=name), f"{name} is not null")
    if isinstance(column.type, DateTime):
        return Change(f"{name} + interval '1 microsecond'")
    if isinstance(column.type, Date):
        return Change(f"{name} + 1")
    if isinstance(column.type, Boolean):
        return Change(f"not {name}")
    pytest.fail(f"{table.name}.{name} has a type for which no change is known: say one in CHANGES")


@pytest.mark.parametrize(("table", "column"), COLUMNS)
async def test_a_changed_column_is_found_and_its_row_named(
    lively: LedgerDatabase, table: Table, column: Column[object]
) -> None:
    change = change_of(table, column)
    with connect(lively) as connection:
        drop_checks(connection, table.name)
        before = pick(connection, table.name, change.where, prefer=column.name)
        after = change_to(connection, table.name, before, column.name, change.to)
    assert after[column.name] != before[column.name]
    report = await audit_of(lively)
    assert names(report, table.name, before, after), report.differences[:10]


async def test_a_changed_reference_is_the_only_column_that_only_the_key_could_check(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        for table, column in HIDDEN:
            row = pick(connection, table, prefer=column)
            change_to(connection, table, row, column, OTHER_BYTES.format(name=column))
    report = await audit_of(lively)
    assert report.is_clean


def test_every_table_with_a_lane_is_audited() -> None:
    with_lane = {table.name for table in metadata.sorted_tables if "lane" in table.columns}
    assert with_lane == {table.name for table in AUDITED} | SET_UP_IN_LANES
