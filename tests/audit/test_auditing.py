"""What an audit says of a ledger in order, to whom, and how much it keeps in memory."""

import msgspec
import pytest
from psycopg import AsyncConnection

from ledger.audit import AuditReport, Findings, audit, keys, pages
from ledger.audit.crossing import Crossing
from ledger.audit.report import MAXIMUM_DIFFERENCES
from ledger.audit.set_up import SetUp
from ledger.audit.walk import Walk
from ledger.errors import NotFound
from ledger.store.unit_of_work import open_pool
from tests.audit.conftest import audit_of
from tests.audit.tampering import connect, drop_checks
from tests.databases import LedgerDatabase

EVERYTHING = {
    "a shortfall that is open": "select 1 from shortfalls where remaining > 0",
    "a shortfall repaid in part or whole": "select 1 from shortfalls where remaining < original",
    "a repayment by points of another funding": "select 1 from postings where debit_kind = 1 and credit_kind = 1",
    "a lot that came back with grace": "select 1 from lots where restored_from is not null and expired < original",
    "a lot that came back and lapsed at once": "select 1 from lots "
    "where restored_from is not null and expired = original",
    "a return that restored a lot": "select 1 from postings p join lots l using (lane, lot) "
    "where p.debit_kind = 5 and p.sequence <> l.sequence",
    "an earn partly reversed": "select 1 from taken_back b join transactions t using (lane, sequence) "
    "where t.kind = 1 and b.points between 1 and t.points - 1",
    "a reversal that fell on expired points": "select 1 from taken_back where expired_counted > 0",
    "a reversal without postings": "select 1 from transactions t where kind = 3 and not exists "
    "(select from postings p where p.lane = t.lane and p.sequence = t.sequence)",
    "a command with several transactions": "select 1 from idempotency_keys where transactions > 1",
    "a refusal": "select 1 from idempotency_keys where answer is not null",
    "an expiry": "select 1 from transactions where kind = 4",
    "a lot that is pending": "select 1 from lots where is_open and available_from > (select now from sandbox_clock)",
    "a redemption of several lots": "select 1 from postings where debit_kind = 2 and credit_kind = 5 and line > 0",
    "details": "select 1 from details where reference_digest is not null",
    "a hold captured in several parts": "select 1 from particulars p join transactions t using (lane, sequence) "
    "where t.kind = 6 group by p.lane, p.hold having count(*) > 1",
    "a final capture that released the rest": "select 1 from transactions t join postings p using (lane, sequence) "
    "where t.kind = 6 and p.debit_kind = 3 and p.credit_kind = 2",
    "a hold that was voided": "select 1 from transactions where kind = 7",
    "a hold that expired": "select 1 from transactions where kind = 8",
    "a hold that is open": "select 1 from holds where remaining > 0",
    "a lot that lapsed under a hold": "select 1 from transactions t join postings p using (lane, sequence) "
    "where t.kind in (6, 7, 8) and p.credit_kind = 6",
    "a release that repaid what was owed": "select 1 from transactions t join postings p using (lane, sequence) "
    "where t.kind in (6, 7, 8) and p.credit_kind = 4",
    "a capture that was reversed": "select 1 from taken_back b join transactions t using (lane, sequence) "
    "where t.kind = 6",
    "a gift within a lane": "select 1 from transactions t join particulars p using (lane, sequence) "
    "where t.kind = 9 and p.counter_lane = t.lane",
    "a gift to another lane": "select 1 from transactions t join particulars p using (lane, sequence) "
    "where t.kind = 9 and p.counter_lane <> t.lane",
    "a gift of several lots": "select 1 from transactions t join postings p using (lane, sequence) "
    "where t.kind = 9 and p.debit_kind = 2 and p.credit_kind = 8 and p.line > 0",
    "a gift that repaid what was owed": "select 1 from transactions t join postings p using (lane, sequence) "
    "where t.kind = 9 and p.credit_kind = 4",
    "a merge within a lane": "select 1 from members where status = 'merged' and into_lane = lane",
    "a merge into another lane": "select 1 from members where status = 'merged' and into_lane <> lane",
    "a merge of what was merged": "select 1 from members a join members b "
    "on b.lane = a.into_lane and b.member = a.into_member where a.status = 'merged' and b.status = 'merged'",
    "a move of what had moved": "select 1 from members a join members b "
    "on b.lane = a.into_lane and b.member = a.into_member where a.status = 'moved' and b.status = 'moved'",
    "a member that came back to its lane": "select 1 from members a join members b using (lane, public_id) "
    "where a.status = 'moved' and b.member <> a.member",
    "a frozen member that moved": "select 1 from transactions f join transactions m "
    "on m.lane = f.lane and m.member = f.member and m.sequence > f.sequence "
    "where f.kind = 14 and m.kind = 11 and not exists (select from transactions u where u.lane = f.lane "
    "and u.member = f.member and u.kind = 15 and u.sequence between f.sequence and m.sequence)",
    "a hold that moved": "select 1 from holds where moved_lane is not null",
    "a moved hold that was captured": "select 1 from holds h join particulars p "
    "on p.lane = h.moved_lane and p.hold = h.moved_sequence join transactions t "
    "on t.lane = p.lane and t.sequence = p.sequence where t.kind = 6",
    "a shortfall that moved": "select 1 from transactions t join postings p using (lane, sequence) "
    "where t.kind in (10, 11) and p.debit_kind = 4",
    "a return of a redemption after a move": "select 1 from transactions t join transactions o "
    "on o.lane = t.reverses_lane and o.sequence = t.reverses_sequence "
    "where (t.lane, t.member) <> (o.lane, o.member) and o.kind in (2, 6)",
    "an earn reversed after a move": "select 1 from transactions t join transactions o "
    "on o.lane = t.reverses_lane and o.sequence = t.reverses_sequence "
    "where (t.lane, t.member) <> (o.lane, o.member) and o.kind = 1",
    "a debt under a lot of its own": "select 1 from lot_origins o join lots l using (lane, lot) "
    "join transactions t on t.lane = l.lane and t.sequence = l.sequence "
    "join postings p on p.lane = l.lane and p.sequence = l.sequence and p.lot = l.lot "
    "where t.kind = 3 and p.debit_kind = 4",
    "a cancellation that opened two debts": "select 1 from transactions t join lot_origins o using (lane, sequence) "
    "join postings p on p.lane = t.lane and p.sequence = t.sequence and p.debit_kind = 4 "
    "where t.kind = 3 group by t.lane, t.key_digest having count(distinct t.sequence) > 1",
    "points given by staff": "select 1 from transactions t join lots l using (lane, sequence) where t.kind = 12",
    "points taken by staff": "select 1 from transactions t join postings p using (lane, sequence) "
    "where t.kind = 12 and p.debit_kind = 2 and p.credit_kind = 1",
    "a debt that was forgiven": "select 1 from transactions where kind = 13",
    "a member that was unfrozen": "select 1 from transactions where kind = 15",
    "a member that is frozen": "select 1 from members where status = 'frozen'",
    "a member that closed and gave up points": "select 1 from transactions t join transactions e "
    "on e.lane = t.lane and e.member = t.member and e.sequence = t.sequence - 1 "
    "where t.kind = 16 and e.kind = 4 and e.occurred_at = t.recorded_at",
    "a notice": "select 1 from transactions where kind = 17",
    "a refill of an allotment": "select 1 from postings where debit_kind = 12 and credit_kind = 10",
    "a draw from the pool of another lane": "select 1 from postings where debit_kind = 12 and credit_kind = 11",
    "a draw from the pool at home": "select 1 from postings where debit_kind = 9 and credit_kind = 11",
    "an earn under two caps": "select 1 from postings where credit_kind = 11 "
    "group by lane, sequence having count(distinct credit_owner) > 1",
    "a sweep": "select 1 from postings where debit_kind = 10 and credit_kind = 12",
    "a cap that is swept": "select 1 from caps where is_swept",
    "a cap that was granted more after a sweep": "select 1 from caps c where not is_swept and exists "
    "(select from postings p where p.debit_kind = 10 and p.credit_kind = 12 and p.debit_owner = c.cap)",
    "points given back to an allotment": "select 1 from postings where debit_kind = 11 and credit_kind = 10",
    "points given back to a pool": "select 1 from postings where debit_kind = 11 and credit_kind = 9",
    "points given back to a pool elsewhere": "select 1 from postings where debit_kind = 11 and credit_kind = 12",
    "an approval that is posted": "select 1 from approvals where state = 'posted'",
    "members of every lane": "select 1 where (select count(distinct lane) from member_points) = 3",
}


@pytest.mark.parametrize("what", EVERYTHING)
def test_the_lively_ledger_has_seen(lively: LedgerDatabase, what: str) -> None:
    with connect(lively) as connection:
        assert connection.execute(EVERYTHING[what].encode()).fetchone() is not None


async def test_a_ledger_in_order_is_clean_and_everything_in_it_is_counted(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        counts = connection.execute(
            "select (select count(*) from transactions) as transactions, (select count(*) from lanes) as lanes, "
            "(select count(*) from idempotency_keys) as keys"
        ).fetchone()
    report = await audit_of(lively)
    assert report.is_clean
    assert report.differences == ()
    assert {"transactions": report.transactions, "lanes": report.lanes, "keys": report.keys} == counts
    assert report.erased_details == 0


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_the_size_of_a_page_changes_nothing(
    lively: LedgerDatabase, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(pages, "PAGE_TRANSACTIONS", size)
    monkeypatch.setattr(keys, "PAGE_KEYS", size)
    whole = await audit_of(lively)
    assert whole.is_clean, whole.differences[:5]
    assert whole.transactions > 0


async def test_lots_that_are_spent_whole_are_forgotten(lively: LedgerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_TRANSACTIONS", 5)
    findings = Findings()
    async with open_pool(lively.service_url, maximum_size=1) as pool, pool.connection() as connection:
        walk = Walk(connection, 1, SetUp(), findings, Crossing({}))
        await walk.follow(10_000)
    assert findings.count == 0
    assert 0 < len(walk.books.lots) < walk.chain.next_lot - 1
    assert all(lot.rest.is_open or lot.expired for lot in walk.books.lots.values())
    assert {lot for family in walk.books.children.values() for lot in family} <= walk.books.lots.keys()


async def test_erased_details_are_counted_and_no_difference(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        erased = connection.execute("delete from details where sequence < 60").rowcount
    report = await audit_of(lively)
    assert report.is_clean
    assert report.erased_details == erased > 0


async def test_progress_rises_to_the_number_of_transactions(lively: LedgerDatabase) -> None:
    told: list[tuple[int, int]] = []
    async with open_pool(lively.service_url) as pool, pool.connection() as connection:
        report = await audit(connection, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (report.transactions, report.transactions)


async def test_more_checks_add_their_differences(lively: LedgerDatabase) -> None:
    async def check(connection: AsyncConnection, findings: Findings) -> None:
        cursor = await connection.execute("select lanes from ledger")
        [(lanes,)] = await cursor.fetchall()
        findings.compare(None, "settlement", "lanes", lanes, 4)

    report = await audit_of(lively, [check])
    [difference] = report.differences
    assert (difference.place, difference.what, difference.found, difference.expected) == (
        "settlement",
        "lanes",
        "3",
        "4",
    )


async def test_a_report_of_differences_survives_json(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        connection.execute("update lots set remaining = remaining - 1 where remaining > 1")
    report = await audit_of(lively)
    assert not report.is_clean
    assert msgspec.json.decode(msgspec.json.encode(report), type=AuditReport) == report


async def test_a_ledger_all_wrong_lists_the_first_thousand_differences_and_counts_all(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        drop_checks(connection, "postings")
        connection.execute("update postings set amount = -amount, debit_owner = debit_owner + 9")
        connection.execute(
            "update transactions set points = points + 1, programme = programme + 9 where sequence % 2 = 0"
        )
    report = await audit_of(lively)
    assert len(report.differences) == MAXIMUM_DIFFERENCES
    assert report.difference_count > MAXIMUM_DIFFERENCES


async def test_a_database_without_a_ledger_is_refused(database: LedgerDatabase) -> None:
    with pytest.raises(NotFound, match="no ledger"):
        await audit_of(database)
