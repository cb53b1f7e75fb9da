import json

import psycopg

from tests.command_line import CommandLine
from tests.databases import LedgerDatabase


def alter(database: LedgerDatabase, statement: str) -> int:
    with psycopg.connect(database.owner_url) as owner:
        return owner.execute(statement.encode()).rowcount


def kept(database: LedgerDatabase) -> list[tuple[str, int, int, list[str]]]:
    """What is kept of audits, in their order."""
    with psycopg.connect(database.owner_url) as owner:
        query = "select kind, transactions, difference_count, places from audits order by audit"
        return owner.execute(query).fetchall()


def test_a_clean_ledger_is_said_to_be_clean(sandbox: CommandLine, database: LedgerDatabase) -> None:
    loaded = sandbox.json("demo")
    report = sandbox.json("audit")
    assert (report["lanes"], report["difference_count"]) == (4, 0)
    # A gift is two transactions, and a cap has some of its own.
    assert loaded["posted_now"] < report["transactions"] < 1.1 * loaded["posted_now"]
    assert sandbox.done("audit").startswith(
        f"The ledger is what its journal says: no difference ({report['transactions']} transactions in 4 lanes"
    )
    sandbox.done("audit", "--since-seal")
    full: tuple[str, int, int, list[str]] = ("full", report["transactions"], 0, [])
    by_the_demo, *asked_for = kept(database)
    assert by_the_demo == full, "loading the demo ends with an audit"
    assert asked_for == [full, full, ("since-seal", report["transactions"], 0, [])]


def test_differences_are_named_and_exit_with_one(sandbox: CommandLine, database: LedgerDatabase) -> None:
    sandbox.done("demo")
    altered = alter(database, "update member_points set posted = posted + 1 where lane = 1")
    assert altered > 20
    report = sandbox.run("audit", "--json")
    assert report.code == 1
    count = json.loads(report.output)["difference_count"]
    assert count >= altered
    _by_the_demo, (kind, _, kept_count, places) = kept(database)
    assert (kind, kept_count, len(places)) == ("full", count, 20)
    assert "found" not in str(places), "the values stay out of the database"
    shown = sandbox.run("audit")
    assert (shown.code, shown.errors) == (1, "")
    *differences, more, summary = shown.output.splitlines()
    assert len(differences) == 20
    assert all(": found " in line and ", expected " in line for line in differences)
    assert more == f"... and {count - 20} more; --json shows up to 1,000."
    assert summary.startswith(f"Found {count} differences between the ledger and its journal")
