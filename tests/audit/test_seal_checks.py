"""What was changed, cut off or rewound behind the service's back is noticed against the seals."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.audit import AuditReport
from ledger.audit.seal_checks import seal_check
from ledger.embedded import EmbeddedPostgres
from ledger.rules.seals import SealDocument, encode_document, sign_seal
from tests.audit.conftest import audit_of
from tests.audit.sealed_ledger import KEYS, OTHER_KEYS, audit_daily, places, post_more, recorded_in, seal_now
from tests.audit.tampering import change, connect, delete, drop_checks, forge_chain, insert, pick
from tests.databases import LedgerDatabase


@pytest.fixture
async def sealed(lively: LedgerDatabase, tmp_path: Path) -> LedgerDatabase:
    """A lively ledger with two seals in ``tmp_path``, and transactions since the second."""
    await seal_now(lively, tmp_path)
    await post_more(lively, 12)
    await seal_now(lively, tmp_path)
    await post_more(lively, 12)
    return lively


@pytest.fixture
def copies(postgres: EmbeddedPostgres, database_numbers: Iterator[int]) -> Iterator["Copies"]:
    """Makes copies of databases, as a backup is one."""
    made = Copies(postgres, database_numbers)
    yield made
    for name in made.names:
        postgres.drop_database(name)


class Copies:
    def __init__(self, postgres: EmbeddedPostgres, numbers: Iterator[int]) -> None:
        self._postgres = postgres
        self._numbers = numbers
        self.names: list[str] = []

    def of(self, database: LedgerDatabase) -> LedgerDatabase:
        name = f"copy_{next(self._numbers)}"
        self._postgres.create_database(name, template=database.name)
        self.names.append(name)
        return LedgerDatabase.on(self._postgres, name)


async def audit_fully(database: LedgerDatabase, folder: Path) -> AuditReport:
    return await audit_of(database, [seal_check(folder, KEYS.trusted)])


def last_sealed(database: LedgerDatabase, lane: int = 1, number: int = 2) -> int:
    with connect(database) as connection:
        row = connection.execute("select lasts[%s] as last from seals where number = %s", [lane + 1, number]).fetchone()
    assert row is not None
    return int(row["last"])


async def test_a_ledger_in_order_is_clean_and_only_what_is_new_is_walked(
    sealed: LedgerDatabase, tmp_path: Path
) -> None:
    report = await audit_daily(sealed, tmp_path)
    assert report.differences == ()
    assert (report.seals, report.transactions, report.lanes) == (2, recorded_in(sealed, after_seal=2), 3)
    whole = await audit_fully(sealed, tmp_path)
    assert whole.differences == ()
    assert whole.seals == 2
    assert whole.transactions > 100


async def test_without_a_seal_the_journal_is_walked_from_its_start(lively: LedgerDatabase, tmp_path: Path) -> None:
    report = await audit_daily(lively, tmp_path)
    whole = await audit_of(lively)
    assert report.differences == ()
    assert (report.seals, report.transactions) == (0, whole.transactions)


async def test_a_ledger_rewound_with_all_its_projections_is_noticed(
    lively: LedgerDatabase, tmp_path: Path, copies: Copies
) -> None:
    await seal_now(lively, tmp_path)
    backup = copies.of(lively)
    await post_more(lively, 12)
    await seal_now(lively, tmp_path)
    assert (await audit_of(backup)).is_clean
    for report in (await audit_daily(backup, tmp_path), await audit_fully(backup, tmp_path)):
        assert places(report) == {(None, "seal 2", "row")}
    # Whoever puts the row back as well is noticed at each lane's end.
    with connect(lively) as connection:
        before = pick(connection, "seals", "number = 1", prefer="number")["lasts"]
        row = pick(connection, "seals", "number = 2", prefer="number")
    with connect(backup) as connection:
        insert(connection, "seals", row)
    cut_off = {lane: last for lane, last in enumerate(row["lasts"]) if last > before[lane]}
    assert cut_off
    ends = {(lane, f"transaction {last}", "hash, as in seal 2") for lane, last in cut_off.items()}
    lanes = {(lane, "end of the journal", "last transaction") for lane in cut_off}
    report = await audit_daily(backup, tmp_path)
    assert places(report) >= ends | lanes
    assert places(await audit_fully(backup, tmp_path)) == ends | lanes


async def test_a_history_rewritten_with_a_new_chain_is_noticed(sealed: LedgerDatabase, tmp_path: Path) -> None:
    with connect(sealed) as connection:
        row = pick(connection, "transactions", "lane = 1 and sequence = 9")
        change(connection, "transactions", row, outlet="another")
    await forge_chain(sealed, 1)
    assert (await audit_of(sealed)).is_clean
    first, second = last_sealed(sealed, number=1), last_sealed(sealed)
    expected = {(1, f"transaction {first}", "hash, as in seal 1"), (1, f"transaction {second}", "hash, as in seal 2")}
    assert places(await audit_fully(sealed, tmp_path)) == expected
    assert places(await audit_daily(sealed, tmp_path)) >= expected


AFTER_THE_SEAL = {
    "a column": ("update transactions set outlet = 'x' where {row}", "hash"),
    "a posting": ("update postings set amount = amount + 1 where {row} and line = 0", "hash"),
    "a lot": (
        "update lots set original = original + 1 where lane = 1 "
        "and lot = (select p.lot from postings p where {row} and line = 0)",
        "hash",
    ),
    "details": ("update details set document = 'x' where {row}", "details"),
    "a key": (
        "update idempotency_keys set request_digest = 'x' where digest = "
        "(select t.key_digest from transactions t where {row})",
        "key",
    ),
    "a row that is gone": ("delete from transactions where {row}", "transaction"),
}


@pytest.mark.parametrize("what", AFTER_THE_SEAL)
async def test_a_change_of_what_was_recorded_since_the_seal_is_noticed(
    sealed: LedgerDatabase, tmp_path: Path, what: str
) -> None:
    statement, named = AFTER_THE_SEAL[what]
    with connect(sealed) as connection:
        earned = pick(connection, "transactions", f"lane = 1 and kind = 1 and sequence > {last_sealed(sealed)}")
        row = f"lane = 1 and sequence = {earned['sequence']}"
        drop_checks(connection, "lots")
        assert connection.execute(statement.format(row=row).encode()).rowcount == 1
    report = await audit_daily(sealed, tmp_path)
    assert named in {difference.what for difference in report.differences if difference.lane == 1}


async def test_two_transactions_since_the_seal_that_changed_places_are_noticed(
    sealed: LedgerDatabase, tmp_path: Path
) -> None:
    first = last_sealed(sealed) + 1
    with connect(sealed) as connection:
        for table in ("transactions", "postings", "details"):
            for old, new in ((first, 900_000), (first + 1, first), (900_000, first + 1)):
                connection.execute(
                    f"update {table} set sequence = %s where lane = 1 and sequence = %s".encode(),  # noqa: S608
                    [new, old],
                )
    assert (1, f"transaction {first}", "hash") in places(await audit_daily(sealed, tmp_path))


async def test_a_tail_cut_off_since_the_seal_is_noticed_at_the_lanes_row(
    sealed: LedgerDatabase, tmp_path: Path
) -> None:
    with connect(sealed) as connection:
        last = pick(connection, "lanes", "lane = 1")["next_sequence"] - 1
        connection.execute("delete from transactions where lane = 1 and sequence = %s", [last])
    assert (1, "end of the journal", "next_sequence of the lane") in places(await audit_daily(sealed, tmp_path))


ROWS_CHANGED = {
    "the time": "update seals set sealed_at = sealed_at + interval '1 second' where number = 2",
    "the key": "update seals set public_key = repeat('0', 64) where number = 2",
    "the signature": "update seals set signature = repeat('0', 128) where number = 2",
    "the last sequences": "update seals set lasts[1] = lasts[1] + 1 where number = 2",
    "what was signed": "update seals set seal = convert_to(replace(convert_from(seal, 'UTF8'), "
    "'\"recorded\":', '\"recorded\":1'), 'UTF8') where number = 2",
    "how it was written": "update seals set seal = seal || ' '::bytea where number = 2",
    "the lanes": "update seals set lanes = convert_to(replace(convert_from(lanes, 'UTF8'), "
    "'\"next_lot\":', '\"next_lot\":1'), 'UTF8') where number = 2",
    "a lane that is none": "update seals set lanes = '[]' where number = 2",
    "all of it": "update seals set seal = 'x' where number = 2",
    "the number": "update seals set number = 3 where number = 2",
}


@pytest.mark.parametrize("what", ROWS_CHANGED)
async def test_a_changed_row_of_a_seal_is_noticed(sealed: LedgerDatabase, tmp_path: Path, what: str) -> None:
    with connect(sealed) as connection:
        assert connection.execute(ROWS_CHANGED[what].encode()).rowcount == 1
    for report in (await audit_daily(sealed, tmp_path), await audit_fully(sealed, tmp_path)):
        assert any(place.startswith("seal ") for _, place, _ in places(report)), report.differences


async def test_after_a_bad_seal_the_walk_starts_at_the_last_good_one(sealed: LedgerDatabase, tmp_path: Path) -> None:
    with connect(sealed) as connection:
        connection.execute(ROWS_CHANGED["the signature"].encode())
    report = await audit_daily(sealed, tmp_path)
    assert report.transactions == recorded_in(sealed, after_seal=1)
    assert places(report) == {(None, "seal 2", "signature"), (None, "seal 2", "file")}


@pytest.mark.parametrize("number", [1, 2])
async def test_a_seal_whose_row_is_gone_is_noticed(sealed: LedgerDatabase, tmp_path: Path, number: int) -> None:
    with connect(sealed) as connection:
        delete(connection, "seals", pick(connection, "seals", f"number = {number}", prefer="number"))
    assert (None, f"seal {number}", "row") in places(await audit_daily(sealed, tmp_path))


async def test_a_seal_whose_row_and_file_are_gone_is_missed_by_the_next_one(
    sealed: LedgerDatabase, tmp_path: Path
) -> None:
    with connect(sealed) as connection:
        delete(connection, "seals", pick(connection, "seals", "number = 1", prefer="number"))
    (tmp_path / "seal-000001.json").unlink()
    assert places(await audit_daily(sealed, tmp_path)) >= {
        (None, "seal 2", "number"),
        (None, "seal 2", "hash of the previous seal"),
    }


@pytest.mark.parametrize("content", [None, b"", b"{}", b"x" * 5_000_000], ids=["gone", "empty", "another", "huge"])
async def test_a_file_that_is_not_the_row_is_noticed(
    sealed: LedgerDatabase, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "seal-000001.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert places(await audit_daily(sealed, tmp_path)) == {(None, "seal 1", "file")}


async def test_other_files_in_the_folder_say_nothing(sealed: LedgerDatabase, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("kept here for ten years")
    (tmp_path / ".seal-000003.json.77").write_text("unfinished")
    assert (await audit_daily(sealed, tmp_path)).is_clean


async def test_a_seal_forged_with_another_key_is_noticed(sealed: LedgerDatabase, tmp_path: Path) -> None:
    file = tmp_path / "seal-000002.json"
    document = msgspec.json.decode(file.read_bytes(), type=SealDocument)
    lane = msgspec.structs.replace(document.lanes[1], next_lot=1)
    lanes = (document.lanes[0], lane, *document.lanes[2:])
    forged = sign_seal(msgspec.structs.replace(document.seal, public_key=OTHER_KEYS.public_key), lanes, OTHER_KEYS)
    with connect(sealed) as connection:
        connection.execute(
            "update seals set seal = %s, lanes = %s, signature = %s, public_key = %s where number = 2",
            [
                msgspec.json.encode(forged.seal),
                msgspec.json.encode(forged.lanes),
                forged.signature,
                forged.seal.public_key,
            ],
        )
    file.unlink()
    file.write_bytes(encode_document(forged))
    assert places(await audit_daily(sealed, tmp_path)) == {(None, "seal 2", "key"), (None, "seal 2", "root")}


async def test_seals_of_another_ledger_are_noticed(sealed: LedgerDatabase, tmp_path: Path) -> None:
    with connect(sealed) as connection:
        connection.execute("update ledger set key_check = %s", [hashlib.sha256(b"another").digest()])
    assert (None, "seal 1", "ledger") in places(await audit_daily(sealed, tmp_path))


async def test_a_lane_whose_row_is_gone_is_noticed(sealed: LedgerDatabase, tmp_path: Path) -> None:
    with connect(sealed) as connection:
        delete(connection, "lanes", pick(connection, "lanes", "lane = 1"))
    assert places(await audit_daily(sealed, tmp_path)) >= {
        (None, "lanes", "rows of lanes"),
        (1, "end of the journal", "last transaction"),
    }


async def test_a_seal_made_while_the_audit_runs_is_no_difference(sealed: LedgerDatabase, tmp_path: Path) -> None:
    async def seal_and_post() -> None:
        for _ in range(6):
            await post_more(sealed, 3)
            await seal_now(sealed, tmp_path)

    sealing = asyncio.create_task(seal_and_post())
    while not sealing.done():
        report = await audit_daily(sealed, tmp_path)
        assert report.is_clean, report.differences
    await sealing
    assert (await audit_daily(sealed, tmp_path)).seals == 8


async def test_erased_details_are_no_difference(sealed: LedgerDatabase, tmp_path: Path) -> None:
    with connect(sealed) as connection:
        last = last_sealed(sealed)
        erased = connection.execute("delete from details where lane = 1 and sequence > %s", [last]).rowcount
    report = await audit_daily(sealed, tmp_path)
    assert report.is_clean
    assert report.erased_details == erased > 0
