"""Rows are dropped, inserted, swapped, moved and cut off behind the auditor's back."""

import psycopg
import pytest

from tests.audit.conftest import audit_of
from tests.audit.tampering import (
    KEYS_OF_TABLES,
    Row,
    change,
    connect,
    delete,
    drop_checks,
    insert,
    names,
    pick,
)
from tests.databases import LedgerDatabase

HAS_ROOM = "not exists (select from {table} o where o.lane = {lane} and o.{number} = t.{number})"

WHAT_TO_DROP = {
    "transactions": "true",
    "postings": "line = 1",
    "lots": "lot > 3",
    "idempotency_keys": "lane is not null",
    "member_points": "posted > 0",
    "shortfalls": "true",
    "party_balances": "balance <> 0",
    "taken_back": "true",
    "particulars": "approval is null",
    "lot_origins": "true",
    "holds": "remaining = 0",
    "hold_lots": "remaining = 0",
    "gift_months": "true",
    "approvals": "state = 'posted'",
    "members": "true",
    "member_names": "kind = 'id'",
    "epoch_starts": "epoch = 2",
    "lanes": "lane = 1",
}

WHAT_TO_INSERT: dict[str, Row] = {
    "transactions": {"sequence": 5_000},
    "postings": {"line": 50},
    "lots": {"lot": 5_000},
    "idempotency_keys": {"digest": bytes(range(32)), "sequence": 5_000, "lane": 0, "answer": None},
    "details": {"sequence": 5_000},
    "member_points": {"programme": 77},
    "shortfalls": {"sequence": 5_000},
    "party_balances": {"owner": 77},
    "taken_back": {"sequence": 5_000},
    "particulars": {"sequence": 5_000},
    "lot_origins": {"lot": 5_000},
    "holds": {"sequence": 5_000},
    "hold_lots": {"hold": 5_000},
    "gift_months": {"programme": 77},
    "approvals": {"approval_id": "019a8f4e-5d21-8001-8000-00000abcdef0", "state": "posted", "sequence": 5_000},
    "members": {"member": 77},
    "member_names": {"digest": bytes(range(32))},
    "epoch_starts": {"epoch": 3},
}


@pytest.mark.parametrize("table", WHAT_TO_DROP)
async def test_a_dropped_row_is_found_and_named(lively: LedgerDatabase, table: str) -> None:
    with connect(lively) as connection:
        row = pick(connection, table, WHAT_TO_DROP[table])
        delete(connection, table, row)
    report = await audit_of(lively)
    assert names(report, table, row), report.differences[:10]


@pytest.mark.parametrize("table", WHAT_TO_INSERT)
async def test_an_inserted_row_is_found_and_named(lively: LedgerDatabase, table: str) -> None:
    with connect(lively) as connection:
        drop_checks(connection, table)
        where = "kind = 'id'" if table == "member_names" else "true"
        row = pick(connection, table, where) | WHAT_TO_INSERT[table]
        insert(connection, table, row)
    report = await audit_of(lively)
    assert names(report, table, row), report.differences[:10]


@pytest.mark.parametrize(
    ("table", "number"),
    [
        ("transactions", "sequence"),
        ("lots", "lot"),
        ("shortfalls", "sequence"),
        ("taken_back", "sequence"),
        ("particulars", "sequence"),
        ("lot_origins", "lot"),
        ("holds", "sequence"),
    ],
)
async def test_a_row_moved_to_another_lane_is_found_and_named(lively: LedgerDatabase, table: str, number: str) -> None:
    with connect(lively) as connection:
        lane, other = _longest_and_shortest(connection, table)
        row = pick(connection, table, f"t.lane = {lane} and {HAS_ROOM.format(table=table, lane=other, number=number)}")
        change(connection, table, row, lane=other)
    report = await audit_of(lively)
    assert names(report, table, row | {"lane": lane}), report.differences[:10]
    assert names(report, table, row | {"lane": other}), report.differences[:10]


def _longest_and_shortest(connection: psycopg.Connection[Row], table: str) -> tuple[int, int]:
    """The lanes with most and fewest rows of a table: the one has numbers that the other has not."""
    count = f"select lane from {table} group by lane order by count(*) desc"  # noqa: S608 - a test's own names
    lanes = [row["lane"] for row in connection.execute(count.encode())]
    return lanes[0], lanes[-1]


async def test_details_moved_to_another_lane_are_found_there_and_count_as_erased_where_they_were(
    lively: LedgerDatabase,
) -> None:
    with connect(lively) as connection:
        row = pick(
            connection, "details", f"t.lane = 1 and {HAS_ROOM.format(table='details', lane=2, number='sequence')}"
        )
        change(connection, "details", row, lane=2)
    report = await audit_of(lively)
    assert names(report, "details", row | {"lane": 2})
    assert report.erased_details == 1


async def test_a_changed_memo_is_one_difference_and_not_one_for_every_row_after_it(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        row = pick(connection, "transactions", "outlet is not null and kind = 2 and sequence > 50")
        change(connection, "transactions", row, outlet="99")
    report = await audit_of(lively)
    [difference] = report.differences
    assert (difference.lane, difference.place, difference.what, difference.found) == (
        row["lane"],
        f"transaction {row['sequence']}",
        "hash",
        row["hash"].hex(),
    )


@pytest.mark.parametrize(
    ("table", "number", "where"),
    [
        ("transactions", "sequence", "t.sequence in (20, 21) and t.lane = 1"),
        ("transactions", "sequence", "t.sequence in (20, 200) and t.lane = 0"),
        ("postings", "line", "t.lane = {lane} and t.sequence = {sequence} and t.line in (0, 1)"),
        ("lots", "lot", "t.lane = 1 and t.lot in (8, 9)"),
        ("lots", "lot", "t.lane = 1 and t.lot in (8, 90)"),
    ],
)
async def test_two_rows_that_were_swapped_are_found_and_both_named(
    lively: LedgerDatabase, table: str, number: str, where: str
) -> None:
    with connect(lively) as connection:
        several = pick(connection, "postings", "t.line = 1 and t.debit_kind = 2 and t.credit_kind = 5")
        where = where.format(**several)
        order = ", ".join(KEYS_OF_TABLES[table])
        both = f"select * from {table} t where {where} order by {order}"  # noqa: S608 - a test's own names
        first, second = connection.execute(both.encode())
        moved = change(connection, table, first, **{number: 30_000})
        change(connection, table, second, **{number: first[number]})
        change(connection, table, moved, **{number: second[number]})
    report = await audit_of(lively)
    assert names(report, table, first), report.differences[:10]
    assert names(report, table, second), report.differences[:10]


async def test_keys_that_were_swapped_are_found_and_both_named(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        first = pick(connection, "idempotency_keys", "lane = 0")
        second = pick(connection, "idempotency_keys", "lane = 1")
        place = ("lane", "sequence")
        change(connection, "idempotency_keys", first, **{name: second[name] for name in place})
        change(connection, "idempotency_keys", second, **{name: first[name] for name in place})
    report = await audit_of(lively)
    assert names(report, "idempotency_keys", first)
    assert names(report, "idempotency_keys", second)


async def test_a_refusal_that_was_given_a_place_is_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        refused = pick(connection, "idempotency_keys", "lane is null")
        change(connection, "idempotency_keys", refused, lane=0, sequence=1, transactions=1, answer=None)
    report = await audit_of(lively)
    assert names(report, "idempotency_keys", refused | {"lane": 0})


async def test_a_second_id_of_a_member_and_a_name_of_nobody_are_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        name = pick(connection, "member_names", "kind = 'id'")
        insert(connection, "member_names", name | {"digest": bytes(range(32))})
        insert(connection, "member_names", name | {"digest": bytes(range(1, 33)), "member": 1_000})
    report = await audit_of(lively)
    assert {(difference.place, difference.what) for difference in report.differences} == {
        (f"member {name['member']}", "names of kind id"),
        (f"name {bytes(range(1, 33)).hex()}", "member"),
    }


def _cut_off_last(connection: psycopg.Connection[Row], lane: int) -> Row:
    """Delete a lane's last transaction with everything that says it happened."""
    last = connection.execute(
        "select * from transactions where lane = %s order by sequence desc limit 1", [lane]
    ).fetchone()
    assert last is not None
    connection.execute("delete from idempotency_keys where digest = %(key_digest)s", last)
    for table in ("postings", "lots", "details"):
        statement = f"delete from {table} where lane = %(lane)s and sequence = %(sequence)s"  # noqa: S608
        connection.execute(statement.encode(), last)
    delete(connection, "transactions", last)
    return last


async def test_a_cut_off_tail_is_found_by_the_lanes_row(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        cut = [_cut_off_last(connection, 1) for _ in range(3)]
    report = await audit_of(lively)
    ends = [difference for difference in report.differences if difference.place == "end of the journal"]
    assert {difference.lane for difference in ends} == {1}
    assert {difference.what for difference in ends} >= {"next_sequence of the lane", "head"}
    expected = f"one after {cut[-1]['sequence'] - 1}, the last row"
    assert any(difference.expected == expected for difference in ends)


async def test_a_cut_off_tail_with_the_lanes_row_wound_back_is_found_by_the_projections(
    lively: LedgerDatabase,
) -> None:
    with connect(lively) as connection:
        while True:
            last = _cut_off_last(connection, 1)
            before = pick(connection, "transactions", f"t.lane = 1 and t.sequence = {last['sequence'] - 1}")
            if last["kind"] in {1, 2}:
                break
        lane = pick(connection, "lanes", "t.lane = 1")
        lots = connection.execute("select max(lot) + 1 as next_lot from lots where lane = 1").fetchone()
        assert lots is not None
        change(connection, "lanes", lane, next_sequence=last["sequence"], head=before["hash"], **lots)
    report = await audit_of(lively)
    assert not any(difference.place == "end of the journal" for difference in report.differences)
    assert names(report, "member_points", last)


async def test_a_lane_whose_row_was_wound_back_alone_shows_the_rows_beyond(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        lane = pick(connection, "lanes", "t.lane = 1")
        change(connection, "lanes", lane, next_sequence=lane["next_sequence"] - 2)
        last = pick(connection, "transactions", f"t.lane = 1 and t.sequence = {lane['next_sequence'] - 1}")
    report = await audit_of(lively)
    assert names(report, "transactions", last)


async def test_a_lanes_row_that_claims_a_long_journal_is_found_without_walking_it(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        change(connection, "lanes", pick(connection, "lanes"), next_sequence=1 << 39)
    report = await audit_of(lively)
    assert [difference.what for difference in report.differences] == ["next_sequence of the lane"]


async def test_rows_of_a_lane_that_does_not_exist_are_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        insert(connection, "taken_back", pick(connection, "taken_back") | {"lane": 9})
    report = await audit_of(lively)
    assert [(difference.lane, difference.place) for difference in report.differences] == [(9, "table taken_back")]
