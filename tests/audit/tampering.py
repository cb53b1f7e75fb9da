"""Changing a ledger behind the service's back: as the superuser, with every check of the database taken away."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ledger.audit import AuditReport
from ledger.audit.pages import read_page
from ledger.rules.accounts import CHART, AccountKind
from ledger.rules.journal import CHAIN_START, chain_hash
from ledger.store.unit_of_work import open_pool
from tests.databases import LedgerDatabase

Row = dict[str, Any]

KEYS_OF_TABLES = {
    "lanes": ("lane",),
    "transactions": ("lane", "sequence"),
    "postings": ("lane", "sequence", "line"),
    "lots": ("lane", "lot"),
    "idempotency_keys": ("digest",),
    "details": ("lane", "sequence"),
    "member_points": ("lane", "member", "programme"),
    "shortfalls": ("lane", "sequence"),
    "party_balances": ("lane", "kind", "owner", "programme"),
    "taken_back": ("lane", "sequence"),
    "particulars": ("lane", "sequence"),
    "lot_origins": ("lane", "lot"),
    "holds": ("lane", "sequence"),
    "hold_lots": ("lane", "hold", "lot"),
    "gift_months": ("lane", "member", "programme", "month"),
    "money_postings": ("lane", "sequence", "line"),
    "caps": ("cap",),
    "approvals": ("approval_id",),
    "members": ("lane", "member"),
    "member_names": ("digest",),
    "seals": ("number",),
    "epochs": ("number",),
    "epoch_starts": ("lane", "epoch"),
}


# How differences name the rows of a table.
PLACES = {
    "lanes": ("end of the journal", "lanes"),
    "transactions": ("transaction {sequence}",),
    "postings": ("transaction {sequence}",),
    "details": ("transaction {sequence}",),
    "particulars": ("transaction {sequence}",),
    "lots": ("lot {lot}", "transaction {sequence}"),
    "lot_origins": ("lot {lot}", "transaction {sequence}"),
    "holds": ("hold {sequence}", "transaction {sequence}"),
    "hold_lots": ("hold {hold}", "transaction {hold}"),
    "gift_months": ("gifts of member {member} in programme {programme} from {month}",),
    "money_postings": ("transaction {sequence}", "account"),
    "caps": ("cap {cap}",),
    "approvals": ("approval {approval_id}", "transaction {sequence}"),
    "member_points": ("member {member} in programme {programme}",),
    "shortfalls": ("shortfall of transaction {sequence}",),
    "taken_back": ("taken back of transaction {sequence}",),
    "members": ("member {member}",),
    "member_names": ("member {member}",),
    "epoch_starts": ("epoch {epoch}", "transaction {sequence}"),
}


def connect(database: LedgerDatabase) -> psycopg.Connection[Row]:
    """Whoever owns the machine may do anything."""
    return psycopg.connect(database.superuser_url, autocommit=True, row_factory=dict_row)


def drop_checks(connection: psycopg.Connection[Row], table: str) -> None:
    """Take away the constraints that repeat the rules."""
    found = connection.execute(
        "select conname from pg_constraint where conrelid = %s::regclass and contype = 'c'", [table]
    ).fetchall()
    for row in found:
        statement = sql.SQL("alter table {} drop constraint {}")
        connection.execute(statement.format(sql.Identifier(table), sql.Identifier(row["conname"])))


def pick(connection: psycopg.Connection[Row], table: str, where: str = "true", prefer: str = "lane") -> Row:
    """The first row that fits, those with a value in ``prefer`` before those without."""
    order = ", ".join((f"{prefer} is null", *KEYS_OF_TABLES[table]))
    statement = f"select * from {table} t where {where} order by {order} limit 1"  # noqa: S608 - a test's own names
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None, f"the lively ledger has no row of {table} where {where}"
    return row


def change(connection: psycopg.Connection[Row], table: str, row: Row, **values: object) -> Row:
    """Change columns of one row, and return the row as it is now."""
    changes = ", ".join(f"{column} = %({column}_new)s" for column in values)
    parameters = row | {f"{column}_new": value for column, value in values.items()}
    return _one(connection, f"update {table} set {changes} where {_is_row(table)} returning *", parameters)  # noqa: S608


def change_to(connection: psycopg.Connection[Row], table: str, row: Row, column: str, expression: str) -> Row:
    """Change one column of one row to what an expression of SQL gives."""
    changes = f"{column} = {expression}"
    return _one(connection, f"update {table} set {changes} where {_is_row(table)} returning *", row)  # noqa: S608


def delete(connection: psycopg.Connection[Row], table: str, row: Row) -> None:
    """Delete one row."""
    _one(connection, f"delete from {table} where {_is_row(table)} returning *", row)  # noqa: S608


def insert(connection: psycopg.Connection[Row], table: str, row: Row) -> None:
    """Insert a row."""
    columns, values = ", ".join(row), ", ".join(f"%({column})s" for column in row)
    _one(connection, f"insert into {table} ({columns}) values ({values}) returning *", row)  # noqa: S608


def _is_row(table: str) -> str:
    return " and ".join(f"{column} = %({column})s" for column in KEYS_OF_TABLES[table])


def _one(connection: psycopg.Connection[Row], statement: str, parameters: Row) -> Row:
    [row] = connection.execute(statement.encode(), parameters).fetchall()
    return row


def places_of(table: str, row: Row) -> set[str]:
    """How differences name a row."""
    if table == "party_balances":
        kind = AccountKind(row["kind"]).name.lower() if row["kind"] in CHART else f"kind {row['kind']}"
        return {f"account {kind} of {row['owner']} in programme {row['programme']}"}
    if table == "idempotency_keys":
        return {f"key {row['digest'].hex()}"}
    return {place.format(**row) for place in PLACES[table]}


def names(report: AuditReport, table: str, *rows: Row) -> bool:
    """Whether a difference names one of the rows, in its lane."""
    places = {place for row in rows for place in places_of(table, row)} | {f"table {table}"}
    lanes = {row["lane"] for row in rows} | {None}
    return any(
        difference.lane in lanes and any(f"{difference.place} ".startswith(f"{place} ") for place in places)
        for difference in report.differences
    )


async def forge_chain(database: LedgerDatabase, lane: int) -> None:
    """Make a lane's chain anew over its rows as they are now, and let the lane's row agree."""
    async with open_pool(database.superuser_url, maximum_size=1) as pool, pool.connection() as connection:
        page = await read_page(connection, lane, 0, 1 << 40, 1)
        head = CHAIN_START
        for entry in page.entries:
            head = chain_hash(head, entry.transaction)
            await connection.execute(
                "update transactions set hash = %s where lane = %s and sequence = %s",
                [head, lane, entry.transaction.sequence],
            )
        await connection.execute("update lanes set head = %s where lane = %s", [head, lane])
