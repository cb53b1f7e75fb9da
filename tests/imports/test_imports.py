"""Imports on a real database: what becomes of each line, and that nothing is doubled or lost however they end."""

import asyncio
import random
from pathlib import Path

import pytest

from ledger.errors import DatabaseUnavailable, ImportMappingInvalid, MalformedRequest
from ledger.posting import imports
from ledger.posting.import_reports import report_csv
from ledger.posting.import_worker import ImportWorker
from ledger.posting.imports import run_import
from ledger.posting.posters import Posters
from ledger.rules.commands import Earn, Submission
from ledger.rules.decide import decide
from ledger.rules.outcomes import Decision, Outcome, Refused
from ledger.rules.state import LedgerState
from ledger.store.imports import Advance, Import, ImportOvertaken, advance_import, claimed_import, start_import
from ledger.store.unit_of_work import unit_of_work
from tests.databases import LedgerDatabase
from tests.imports.kept_model import Model, assert_alike
from tests.imports.shops import (
    SAMPLE_FILE,
    SAMPLE_MAPPING,
    Rows,
    counts,
    found_shop,
    import_file,
    journal_by_member,
    open_engine,
    register,
    reports,
    rows,
)

POINTS_MAPPING = b"""
format = "ndjson"
programme = "SHOP"
scene = { column = "scene" }
key = { column = ["shop", "receipt"] }
member = { column = "member" }
points = { column = "points" }
outlet = { column = "shop" }
create_members = true
"""


@pytest.fixture
def shop(database: LedgerDatabase) -> LedgerDatabase:
    found_shop(database)
    return database


def test_the_sample_comes_to_what_the_documentation_says(shop: LedgerDatabase) -> None:
    done = import_file(shop, SAMPLE_FILE)
    assert (done.state, done.lines_done, done.posted, done.partly_posted, done.refused, done.failed) == (
        ("done", 10, 7, 1, 2, 1)
    )
    assert [report[:4] for report in reports(shop)] == [
        (5, "refused", "zero-points", "The spend earns no point: it is below the programme's smallest step."),
        (
            8,
            "partly-posted",
            "partly-posted",
            "Of 20.00 GBP, 7.25 GBP found no earlier earn that is not taken back yet.",
        ),
        (9, "refused", "no-earlier-earn", "The member has no earlier earn with you that is not taken back yet."),
        (11, "failed", "malformed-line", "column amount_pence: got nothing, wanted a whole number of minor units"),
    ]
    assert reports(shop)[1][4] == "C700007,2024-03-02T09:48:00,20552,United Kingdom,-2000"
    # 45 + 8 points, of which 8.60 and then 1.40 of 45.90 are taken back: 44.50 is kept.
    assert sorted(rows(shop, "select posted from member_points")) == [(0,), (33,), (44,), (100,)]


def test_the_same_file_again_changes_nothing(shop: LedgerDatabase, tmp_path: Path) -> None:
    import_file(shop, SAMPLE_FILE)
    before = (journal_by_member(shop), reports(shop), counts(shop), rows(shop, "table members"))
    copy = tmp_path / "another name.csv"
    copy.write_bytes(SAMPLE_FILE.read_bytes())
    import_file(shop, copy, b"# Another comment.\n" + SAMPLE_MAPPING.read_bytes())
    assert (journal_by_member(shop), reports(shop), counts(shop), rows(shop, "table members")) == before


def test_lines_of_another_file_with_the_same_keys_are_posted_once(shop: LedgerDatabase, tmp_path: Path) -> None:
    import_file(shop, SAMPLE_FILE)
    before = journal_by_member(shop)
    longer = tmp_path / "longer.csv"
    longer.write_bytes(SAMPLE_FILE.read_bytes() + b"700011,2024-03-03T09:00:00,20417,Ireland,1000\n")
    done = import_file(shop, longer)
    assert (done.posted, done.partly_posted, done.refused, done.failed) == (8, 1, 2, 1)
    after = journal_by_member(shop)
    assert sum(map(len, after.values())) == sum(map(len, before.values())) + 1
    changed = tmp_path / "changed.csv"
    changed.write_bytes(SAMPLE_FILE.read_bytes().replace(b"20417,United Kingdom,4590", b"20417,United Kingdom,9999"))
    import_file(shop, changed)
    assert journal_by_member(shop) == after
    assert [code for (code,) in rows(shop, "select code from import_lines where line = 2")] == [
        "idempotency-key-reused"
    ]


def test_ndjson_with_stated_points_and_keys_of_two_columns(shop: LedgerDatabase, tmp_path: Path) -> None:
    path = tmp_path / "points.ndjson"
    path.write_text(
        '{"shop": "N1", "receipt": 1, "member": "a", "points": 5, "scene": "food"}\n'
        '{"shop": "N2", "receipt": 1, "member": "a", "points": "7", "scene": "food"}\n'
        '{"shop": "N2", "receipt": 2, "member": "a", "points": 0, "scene": "food"}\n'
        '{"shop": "N2", "receipt": 3, "member": "a", "points": 1, "scene": "fun"}\n'
        '{"shop": "N2", "receipt": 4, "points": 1, "scene": "food"}\n'
        '{"shop": "N2", "receipt": 5, "member": "a", "points": 2000000000000, "scene": "food"}\n'
    )
    import_file(shop, path, POINTS_MAPPING)
    assert [report[:3] for report in reports(shop)] == [
        (3, "failed", "malformed-line"),
        (4, "failed", "malformed-line"),
        (5, "failed", "malformed-line"),
        (6, "refused", "amount-out-of-range"),
    ]
    assert reports(shop)[0][3] == "column points: got '0', wanted a whole number of points above 0"
    assert rows(shop, "select points, outlet from transactions order by sequence") == [(5, "N1"), (7, "N2")]


def test_members_that_are_unknown_are_refused_where_the_mapping_creates_none(shop: LedgerDatabase) -> None:
    mapping = SAMPLE_MAPPING.read_bytes().replace(b"create_members = true", b"create_members = false")
    done = import_file(shop, SAMPLE_FILE, mapping)
    assert (done.posted, done.refused, done.failed) == (0, 9, 1)
    assert {report[2] for report in reports(shop)} == {"member-not-found", "malformed-line"}
    assert rows(shop, "select count(*) from members") == [(0,)]


def test_a_local_time_is_meant_in_the_zone_of_the_mapping(shop: LedgerDatabase, tmp_path: Path) -> None:
    path = tmp_path / "summer.csv"
    path.write_text(
        "invoice,invoice_at,customer,country,amount_pence\n"
        "1,2024-07-01T09:00:00,20417,UK,1000\n"
        "2,2024-07-01T09:00:00+02:00,20417,UK,1000\n"
        "3,2024-10-27T01:30:00,20417,UK,1000\n"
        "4,1999-12-31T23:59:59,20417,UK,1000\n"
        "5,9999-12-31T23:59:59,20417,UK,1000\n"
        "6,yesterday,20417,UK,1000\n"
        "7,2999-01-01T00:00:00,20417,UK,1000\n"
    )
    import_file(shop, path)
    times = rows(shop, "select (occurred_at at time zone 'UTC')::text from transactions order by sequence")
    assert times == [("2024-07-01 08:00:00",), ("2024-07-01 07:00:00",), ("2024-10-27 00:30:00",)]
    assert [report[:3] for report in reports(shop)] == [
        (5, "failed", "malformed-line"),
        (6, "failed", "malformed-line"),
        (7, "failed", "malformed-line"),
        (8, "refused", "occurred-in-future"),
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", MalformedRequest), (b"\x89PNG\r\n\x1a\n\x00", MalformedRequest), (b"a,b,c\n1,2,3\n", ImportMappingInvalid)],
)
def test_a_file_that_does_not_fit_is_refused_and_nothing_is_kept(
    shop: LedgerDatabase, tmp_path: Path, content: bytes, error: type[Exception]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(error):
        import_file(shop, path)
    assert counts(shop) == []


def test_junk_in_the_middle_fails_its_lines_and_the_import_goes_on(shop: LedgerDatabase, tmp_path: Path) -> None:
    path = tmp_path / "junk.csv"
    good = SAMPLE_FILE.read_bytes()
    path.write_bytes(good + bytes(range(256)) * 4 + b"\n" + b"700012,2024-03-03T09:00:00,20417,Ireland,1000\n")
    done = import_file(shop, path)
    assert done.posted == 8
    assert done.state == "done"
    assert done.posted + done.refused + done.failed == done.lines_done
    assert "\\x00" in "".join(report[4] for report in reports(shop))


@pytest.mark.parametrize("seed", range(3))
def test_many_cancellations_of_few_members_agree_with_an_independent_model(
    shop: LedgerDatabase, tmp_path: Path, seed: int
) -> None:
    """Cancellations of one member meet in one unit of work, also out of the order of time."""
    chance = random.Random(seed)
    path = tmp_path / "crowded.csv"
    content = ["invoice,invoice_at,customer,amount_pence"]
    for number in range(1500):
        at = f"2024-03-{1 + min(27, number // 60 + chance.randrange(4)):02}T{chance.randrange(24):02}:00:00"
        sign, letter = ("-", "C") if chance.random() < 0.4 else ("", "")
        pence = chance.choice([1, 99, 100, 250, 999, 5000]) + chance.randrange(1000)
        content.append(f"{letter}{number},{at},{chance.randrange(4)},{sign}{pence}")
    path.write_text("\n".join(content) + "\n")
    model = Model()
    model.read(path)
    import_file(shop, path)
    assert_alike(shop, model)


class _PowerCut(BaseException):
    pass


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pieces of a small file, several in flight."""
    monkeypatch.setattr(imports, "PIECE_LINES", 7)


def long_file(path: Path, lines: int = 200) -> Path:
    """Few customers, many cancellations, some of them too large, some lines broken."""
    content = ["invoice,invoice_at,customer,country,amount_pence"]
    for number in range(lines):
        at = f"2024-03-{1 + number // 24:02}T{number % 24:02}:00:00"
        if number % 3 == 2:
            content.append(f"C{number},{at},{number % 5},UK,-{(number * 7919) % 9000 + 1}")
        else:
            content.append(f"{number},{at},{number % 5},UK,{(number * 104729) % 6000}" + ",x" * (number % 31 == 30))
    path.write_text("\n".join(content) + "\n")
    return path


def test_cut_off_anywhere_and_resumed_it_comes_to_the_same(
    shop: LedgerDatabase, small_pieces: None, tmp_path: Path
) -> None:
    path = long_file(tmp_path / "long.csv")
    cuts = 0

    def cut(_: Import) -> None:
        nonlocal cuts
        cuts += 1
        raise _PowerCut

    for _ in range(200):
        try:
            done = import_file(shop, path, on_progress=cut)
        except _PowerCut:
            continue
        break
    else:
        pytest.fail("the import never came to its end")
    assert cuts == 29
    interrupted = (journal_by_member(shop), reports(shop), counts(shop))
    # Other bytes, so another import, whose every line is a replay.
    longer = tmp_path / "longer.csv"
    longer.write_text(path.read_text() + "\n\n")
    replayed = import_file(shop, longer)
    assert (replayed.posted, replayed.refused, replayed.failed, replayed.partly_posted) == (
        (done.posted, done.refused, done.failed, done.partly_posted)
    )
    assert reports_of(shop, replayed) == interrupted[1]
    assert journal_by_member(shop) == interrupted[0]


def reports_of(database: LedgerDatabase, this: Import) -> Rows:
    query = "select line, outcome, code, detail, content from import_lines where import_id = %s order by line"
    return rows(database, query, this.import_id)


def test_an_interrupted_import_equals_a_whole_one(
    shop: LedgerDatabase, second_shop: LedgerDatabase, small_pieces: None, tmp_path: Path
) -> None:
    path = long_file(tmp_path / "long.csv")
    seen = 0

    def cut_sometimes(_: Import) -> None:
        nonlocal seen
        seen += 1
        if seen in {1, 2, 5, 11, 12, 20}:
            raise _PowerCut

    for _ in range(7):
        try:
            import_file(shop, path, on_progress=cut_sometimes)
        except _PowerCut:
            continue
    import_file(second_shop, path)
    assert counts(shop) == counts(second_shop)
    assert reports(shop) == reports(second_shop)
    assert journal_by_member(shop) == journal_by_member(second_shop)


def test_two_that_import_one_file_at_the_same_time_post_each_line_once(
    shop: LedgerDatabase, second_shop: LedgerDatabase, small_pieces: None, tmp_path: Path
) -> None:
    path = long_file(tmp_path / "long.csv")

    async def both() -> tuple[Import, Import]:
        async with open_engine(shop) as one, open_engine(shop) as other:
            known = [await register(one, path), await register(other, path)]
            assert known[0] == known[1]
            return await asyncio.gather(
                run_import(one, known[0], path, lambda _: None), run_import(other, known[1], path, lambda _: None)
            )

    first, second = asyncio.run(both())
    assert first == second
    assert first.state == "done"
    import_file(second_shop, path)
    assert journal_by_member(shop) == journal_by_member(second_shop)
    assert reports(shop) == reports(second_shop)


def test_who_was_overtaken_writes_nothing_more(shop: LedgerDatabase) -> None:
    async def work() -> None:
        async with open_engine(shop) as engine:
            this = await register(engine, SAMPLE_FILE)
            async with claimed_import(engine.pool, this.import_id) as connection:
                assert connection is not None
                async with claimed_import(engine.pool, this.import_id) as refused:
                    assert refused is None
                await start_import(connection, this.import_id)
                late = Advance(from_offset=1, to_offset=2, lines=1, posted=1, reports=[])
                with pytest.raises(ImportOvertaken):
                    async with unit_of_work(connection):
                        await advance_import(connection, this.import_id, late)
            async with claimed_import(engine.pool, this.import_id) as free:
                assert free is not None

    asyncio.run(work())
    assert counts(shop) == [("running", 0, 0, 0, 0, 0, 0)]


def test_a_fault_marks_the_import_as_failed_and_the_same_file_goes_on(
    shop: LedgerDatabase, second_shop: LedgerDatabase, small_pieces: None, tmp_path: Path
) -> None:
    path = long_file(tmp_path / "long.csv")
    seen = 0

    def stumble(_: Import) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        import_file(shop, path, on_progress=stumble)
    [(state, failure)] = rows(shop, "select state, failure from imports")
    assert state == "failed"
    assert "after 28 lines" in failure
    assert import_file(shop, path).state == "done"
    import_file(second_shop, path)
    assert journal_by_member(shop) == journal_by_member(second_shop)
    assert counts(shop) == counts(second_shop)


def test_connections_lost_on_the_way_double_and_lose_nothing(
    shop: LedgerDatabase, second_shop: LedgerDatabase, small_pieces: None, tmp_path: Path
) -> None:
    path = long_file(tmp_path / "long.csv")
    seen = 0

    def pull_the_plug(_: Import) -> None:
        nonlocal seen
        seen += 1
        if seen in {2, 9}:
            rows(
                shop,
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()",
            )

    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            import_file(shop, path, on_progress=pull_the_plug)
        assert rows(shop, "select state from imports") == [("running",)]
    import_file(shop, path, on_progress=pull_the_plug)
    import_file(second_shop, path)
    assert counts(shop) == counts(second_shop)
    assert reports(shop) == reports(second_shop)
    assert journal_by_member(shop) == journal_by_member(second_shop)


def test_what_waits_behind_a_failure_on_its_lane_fails_too(shop: LedgerDatabase) -> None:
    """So that a cancellation is never decided before an earn that is to be tried again."""
    commands = [Earn(programme="SHOP", member="ref:nobody", scene="food", points=1, reference=str(n)) for n in range(3)]

    def fail_first(submission: Submission, state: LedgerState) -> Decision:
        if submission.command.reference == "0":
            msg = "not now"
            raise DatabaseUnavailable(msg)
        return decide(submission, state)

    async def work() -> list[Outcome | BaseException]:
        async with open_engine(shop) as engine, engine.pool.connection() as connection:
            posters = Posters(shop.service_url, engine.registry, decide_command=fail_first, maximum_batch=1)
            await posters.start(connection)
            submissions = [await engine.intake.prepare(1, f"key {n}", command) for n, command in enumerate(commands)]
            for submission, lane in zip(submissions, (4, 4, 6), strict=True):
                submission.lane = lane
            outcomes = await asyncio.gather(*map(posters.enqueue, submissions), return_exceptions=True)
            await posters.stop()
            return list(outcomes)

    first, behind, beside = asyncio.run(work())
    assert isinstance(first, DatabaseUnavailable)
    assert behind is first
    assert isinstance(beside, Refused)


def test_the_worker_brings_received_files_to_their_end_and_removes_them(shop: LedgerDatabase, tmp_path: Path) -> None:
    async def work() -> str:
        async with open_engine(shop) as engine:
            this = await register(engine, SAMPLE_FILE)
            received = tmp_path / str(this.import_id)
            received.write_bytes(SAMPLE_FILE.read_bytes())
            (tmp_path / "receiving-1").write_bytes(b"in")
            worker = asyncio.create_task(ImportWorker(engine, tmp_path).run())
            for _ in range(500):
                if not received.exists():
                    break
                await asyncio.sleep(0.02)
            worker.cancel()
            await asyncio.wait([worker])
            return "".join([text async for text in report_csv(engine.pool, this.import_id)])

    report = asyncio.run(work())
    assert [path.name for path in tmp_path.iterdir()] == ["receiving-1"]
    [(state, *_)] = counts(shop)
    assert state == "done"
    heading, *lines = report.splitlines()
    assert heading == "line,outcome,code,detail,content"
    assert len(lines) == 4
    assert lines[0].endswith('"700004,2024-03-01T11:31:00,20631,Ireland,85"')
