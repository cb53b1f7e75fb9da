"""Members, their names, caps and approvals are changed behind the auditor's back."""

import pytest

from tests.audit.conftest import audit_of
from tests.audit.tampering import change, connect, drop_checks, insert, names, pick
from tests.databases import LedgerDatabase

BORN_HERE = "not exists(select from members o where o.into_lane = t.lane and o.into_member = t.member)"
OTHER = "019a8f4e-5d21-8001-8000-00000abcdef0"


@pytest.mark.parametrize(
    ("where", "status"),
    [
        (f"status = 'active' and {BORN_HERE}", "frozen"),
        (f"status = 'frozen' and {BORN_HERE}", "active"),
        ("status = 'closed'", "active"),
        ("status = 'merged'", "moved"),
        ("status = 'moved'", "merged"),
    ],
)
async def test_a_status_that_the_journal_does_not_tell_is_found(
    lively: LedgerDatabase, where: str, status: str
) -> None:
    with connect(lively) as connection:
        row = pick(connection, "members", where)
        change(connection, "members", row, status=status)
    report = await audit_of(lively)
    assert [(d.lane, d.place, d.what, d.found) for d in report.differences] == [
        (row["lane"], f"member {row['member']}", "status", status)
    ]


async def test_a_moved_member_with_a_status_it_did_not_come_with_is_found_in_the_end(lively: LedgerDatabase) -> None:
    """Its own lane does not tell the status with which it came; the lane that it left does."""
    came = (
        "status = 'frozen' and exists(select from members o where o.into_lane = t.lane and o.into_member = t.member) "
        "and not exists(select from transactions x where x.lane = t.lane and x.member = t.member and x.kind = 14)"
    )
    with connect(lively) as connection:
        row = pick(connection, "members", came)
        change(connection, "members", row, status="active")
    report = await audit_of(lively)
    assert [(d.lane, d.what, d.found, d.expected) for d in report.differences] == [
        (row["lane"], "status of the member that came", "active", "frozen")
    ]


async def test_a_member_that_has_become_another_one_than_the_journal_says_is_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        row = pick(connection, "members", "status = 'merged'")
        change(connection, "members", row, into_member=row["into_member"] + 1)
    report = await audit_of(lively)
    assert names(report, "members", row)


async def test_a_moved_member_with_an_id_of_its_own_is_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        old = pick(connection, "members", "status = 'moved'")
        new = pick(connection, "members", f"t.lane = {old['into_lane']} and t.member = {old['into_member']}")
        change(connection, "members", new, public_id=OTHER)
    report = await audit_of(lively)
    assert "public id of the member that came" in {difference.what for difference in report.differences}


async def test_a_name_led_to_somebody_else_is_found_where_it_was_and_where_it_is(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        first = pick(connection, "members", f"status = 'active' and {BORN_HERE}")
        second = pick(
            connection, "members", f"status = 'active' and {BORN_HERE} and t.public_id <> '{first['public_id']}'"
        )
        name = pick(
            connection, "member_names", f"kind = 'id' and t.lane = {first['lane']} and t.member = {first['member']}"
        )
        change(connection, "member_names", name, lane=second["lane"], member=second["member"])
    report = await audit_of(lively)
    assert names(report, "members", first)
    assert names(report, "members", second)


async def test_a_name_led_back_to_a_merged_member_is_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        gone = pick(connection, "members", "status = 'merged'")
        name = pick(connection, "member_names", "kind = 'id'")
        insert(
            connection,
            "member_names",
            name | {"digest": bytes(range(32)), "lane": gone["lane"], "member": gone["member"]},
        )
    report = await audit_of(lively)
    assert [(d.lane, d.place, d.what) for d in report.differences] == [
        (gone["lane"], f"member {gone['member']}", "names")
    ]


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("is_swept", "is swept"),
        (
            "not is_swept and exists(select from party_balances b where b.kind = 10 and b.owner = t.cap "
            "and b.balance > 0)",
            "points in allotments",
        ),
    ],
)
async def test_a_cap_that_hides_its_sweep_or_feigns_one_is_found(lively: LedgerDatabase, where: str, what: str) -> None:
    with connect(lively) as connection:
        row = pick(connection, "caps", where, prefer="cap")
        change(connection, "caps", row, is_swept=not row["is_swept"])
    report = await audit_of(lively)
    assert [(d.lane, d.place, d.what) for d in report.differences] == [(row["home_lane"], f"cap {row['cap']}", what)]


async def test_an_approval_that_was_posted_elsewhere_is_found_at_both_ends(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        row = pick(connection, "approvals", "state = 'posted'")
        moved = change(connection, "approvals", row, sequence=row["sequence"] + 1)
    report = await audit_of(lively)
    assert names(report, "transactions", row)
    assert {d.place for d in report.differences} >= {f"approval {moved['approval_id']}"}


@pytest.mark.parametrize(
    ("operation", "state"), [("write-off", "posted"), ("adjust", "rejected"), ("adjust", "waiting")]
)
async def test_a_correction_without_its_approval_is_found(lively: LedgerDatabase, operation: str, state: str) -> None:
    with connect(lively) as connection:
        drop_checks(connection, "approvals")
        row = pick(connection, "approvals", "state = 'posted' and operation = 'adjust'")
        change(connection, "approvals", row, operation=operation, state=state)
    report = await audit_of(lively)
    assert names(report, "transactions", row)
