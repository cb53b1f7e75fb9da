"""The commands ``caps`` and ``members`` on a real installation."""

import psycopg
import pytest

from ledger.ids import LedgerKey
from ledger.store.members import create_members
from ledger.store.unit_of_work import open_pool, unit_of_work
from tests.command_line import CommandLine
from tests.service import run_apart


def add_members(command: CommandLine, *references: str) -> list[str]:
    """Create members as a partner's request would, and return their ids."""
    key = LedgerKey(bytes.fromhex((command.data_directory / "ledger.key").read_text().strip()))
    partner = command.json("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    assert partner["code"] == "TEA"

    async def make() -> list[str]:
        async with (
            open_pool(command.variables["DATABASE_URL"]) as pool,
            pool.connection() as connection,
            unit_of_work(connection),
        ):
            created = await create_members(connection, key, 1, references, 4)
        return [str(created[reference].public_id) for reference in references]

    return run_apart(make())


def statuses(command: CommandLine) -> dict[str, str]:
    with psycopg.connect(command.variables["DATABASE_URL"]) as connection:
        rows = connection.execute("select public_id::text, status from members where into_member is null").fetchall()
    return dict(rows)


def test_a_campaign_is_added_once_with_its_shares_and_listed(live: CommandLine) -> None:
    for code in ("TEA", "SHOP"):
        live.done("partners", "add", code, "--kind", "merchant", "--name", code)
    add = ("campaigns", "add", "SPRING", "--programme", "CITY", "--share", "TEA=3", "--share", "SHOP=1")
    assert live.done(*add) == "Added campaign SPRING of programme CITY, led by TEA."
    listed = {"code": "SPRING", "programme": "CITY", "lead": "TEA", "shares": {"TEA": 3, "SHOP": 1}}
    assert live.json("campaigns", "list") == {"campaigns": [listed]}
    assert "exists already" in live.fails(*add)


def test_a_cap_is_added_granted_and_shown(live: CommandLine) -> None:
    live.done("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    line = live.done("caps", "add", "SPRING", "--programme", "CITY", "--partner", "TEA", "--points", "100")
    assert line == "Cap SPRING limits programme CITY to 100 points."
    assert live.done("caps", "grant", "SPRING", "--points", "5", "--reason", "voted").startswith("Granted cap SPRING 5")
    assert live.json("caps", "show") == {
        "caps": [
            {
                "code": "SPRING",
                "programme": "CITY",
                "partner": "TEA",
                "scene": None,
                "measure": "points",
                "authorised": 105,
                "used": 0,
                "left": 105,
            }
        ]
    }
    assert live.run("audit").code == 0


def test_the_same_cap_again_changes_nothing_and_another_one_is_refused(live: CommandLine) -> None:
    spring = ("caps", "add", "SPRING", "--programme", "CITY", "--points")
    live.done(*spring, "100")
    live.done(*spring, "100")
    assert live.json("caps", "show")["caps"][0]["authorised"] == 100
    assert "added with other points" in live.fails(*spring, "101")
    assert "exists already" in live.fails(*spring, "100", "--scene", "food")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "X", "--programme", "NOPE", "--points", "1"), 1, "no programme has the code 'NOPE'"),
        (("add", "X", "--programme", "CITY", "--points", "1", "--partner", "NO"), 1, "no partner has the code 'NO'"),
        (("add", "X", "--programme", "CITY", "--points", "1", "--scene", "war"), 2, "--scene: got 'war'"),
        (("add", "A B", "--programme", "CITY", "--points", "1"), 2, "CODE: got 'A B'"),
        (("add", "X", "--programme", "CITY", "--points", "0"), 2, "--points"),
        (("grant", "X", "--points", "1", "--reason", "r"), 1, "No cap has this code."),
    ],
)
def test_a_cap_that_cannot_be_says_why(live: CommandLine, arguments: tuple[str, ...], code: int, said: str) -> None:
    assert said in live.fails("caps", *arguments, code=code)


def test_members_are_frozen_merged_moved_and_closed(live: CommandLine) -> None:
    one, other, third = add_members(live, "one", "other", "third")
    reason = ("--reason", "asked at the desk")
    assert live.done("members", "freeze", one, *reason) == f"Froze {one}."
    assert statuses(live)[one] == "frozen"
    assert "frozen" in live.fails("members", "freeze", one, *reason)
    assert live.json("members", "unfreeze", one, *reason) == {"member": one}
    live.done("members", "merge", one, "--into", other, *reason)
    assert one not in statuses(live)
    live.done("members", "move-lane", third, "--lane", "0", *reason)
    live.done("members", "close", third, "--give-up-points", *reason)
    assert statuses(live) == {other: "active", third: "closed"}
    assert "Lanes are 0 to 3" in live.fails("members", "move-lane", other, "--lane", "9", *reason)
    assert "no member" in live.fails("members", "close", "card:1", *reason)
    assert live.run("audit").code == 0


def test_a_change_of_a_member_needs_a_reason(live: CommandLine) -> None:
    assert "--reason" in live.fails("members", "freeze", "card:1", code=2)
    assert "--reason" in live.fails("members", "freeze", "card:1", "--reason", " ", code=2)
