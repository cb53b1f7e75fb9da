"""Money: what the chain commits to is what the postings say, and balances are what the postings come to."""

from itertools import groupby

from psycopg import AsyncConnection

from ledger.audit import queries
from ledger.audit.pages import read_lanes
from ledger.audit.report import Findings
from ledger.rules.money_postings import CLEARING_LANE, MoneyPosting, money_commitment
from ledger.store.unit_of_work import unit_of_work

PAGE_TRANSACTIONS = 1_000


async def check_money(connection: AsyncConnection, findings: Findings) -> None:
    """Compare every transaction's money with its commitment, page by page, and all balances at one moment."""
    ends = {lane.lane: lane.next_sequence - 1 for lane in await read_lanes(connection)}
    # That the lane's own row is missing is named elsewhere.
    last = ends.get(CLEARING_LANE, 0)
    position = 0
    while position < last:
        page = [CLEARING_LANE, position, last, PAGE_TRANSACTIONS]
        cursor = await connection.execute(queries.READ_COMMITMENTS, page)
        committed = {sequence: (programme, money) for sequence, programme, money in await cursor.fetchall()}
        end = max(committed) if len(committed) == PAGE_TRANSACTIONS else last
        await _check_page(connection, findings, position, end, committed)
        position = end
    async with unit_of_work(connection) as moment:
        await moment.execute(queries.ONE_MOMENT)
        cursor = await moment.execute(queries.READ_MONEY_DIFFERENCES)
        for programme, currency, account, party, found, expected in await cursor.fetchall():
            place = f"account {account} of party {party} in programme {programme}, {currency}"
            findings.differ(CLEARING_LANE, place, "balance of money", found, expected)


async def _check_page(
    connection: AsyncConnection,
    findings: Findings,
    after: int,
    end: int,
    committed: dict[int, tuple[int, str | None]],
) -> None:
    cursor = await connection.execute(queries.READ_MONEY_POSTINGS, [CLEARING_LANE, after, end])
    rows = await cursor.fetchall()
    found = {sequence: [row[1:] for row in group] for sequence, group in groupby(rows, key=lambda row: row[0])}
    for sequence in sorted(found.keys() | committed.keys()):
        place = f"transaction {sequence}"
        if sequence not in committed:
            findings.differ(CLEARING_LANE, place, "money postings", len(found[sequence]), "none: it moves no money")
            continue
        programme, commitment = committed[sequence]
        of_transaction = found.get(sequence, [])
        postings = [MoneyPosting(*row[2:]) for row in of_transaction]
        expected = money_commitment(postings) if postings else None
        findings.compare(CLEARING_LANE, place, "commitment to money", commitment, expected)
        lines = [(row[0], row[1]) for row in of_transaction]
        expected_lines = [(line, programme) for line in range(1, len(lines) + 1)]
        findings.compare(CLEARING_LANE, place, "lines and programme of money", lines, expected_lines)
