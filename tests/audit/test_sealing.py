"""Seals are made once whoever asks, cover everything, survive being cut short, and refuse an altered ledger."""

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import psycopg
import pytest

from ledger.audit import lane_trees
from ledger.audit.pages import read_lanes
from ledger.audit.proving import prove
from ledger.audit.sealing import NothingToSeal, SealMade
from ledger.errors import LedgerAltered, NotSealedYet
from ledger.ids import Place
from ledger.rules.merkle import merkle_root
from ledger.rules.proofs import verify_proof
from ledger.rules.seals import SealDocument, SealedTransaction, has_good_signature, seal_hash, transaction_leaf
from ledger.store.unit_of_work import open_pool
from tests.audit.sealed_ledger import KEYS, OTHER_KEYS, audit_daily, pass_a_day, post_more, recorded_in, seal, seal_now
from tests.audit.tampering import change, connect, delete, drop_checks, pick
from tests.databases import LedgerDatabase

ROOT = Path(__file__).resolve().parents[2]
RACERS = 4

# A process of its own that seals; its argument says what happens to it after the row is written.
SEALER = """
import asyncio, os, sys
from pathlib import Path
from ledger.audit.seal_folder import SealFolder
from ledger.audit.sealing import make_seal
from ledger.rules.seal_keys import SealKeys
from ledger.store.unit_of_work import open_pool

url, folder, fate = sys.argv[1:]
if fate == "dies before its file":
    SealFolder.write = lambda *_: os.kill(os.getpid(), 9)
elif fate == "dies before its file has its name":
    Path.rename = lambda *_: os.kill(os.getpid(), 9)

async def main():
    async with open_pool(url, maximum_size=1) as pool:
        made = await make_seal(pool, SealKeys(bytes(range(32))), Path(folder), forced=True)
        print(type(made).__name__, made.number)

asyncio.run(main())
"""


def start_sealer(database: LedgerDatabase, folder: Path, fate: str = "lives") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SEALER, database.service_url, str(folder), fate]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read(folder: Path, number: int) -> SealDocument:
    return msgspec.json.decode((folder / f"seal-{number:06}.json").read_bytes(), type=SealDocument)


def rows(database: LedgerDatabase) -> list[tuple[int]]:
    with psycopg.connect(database.service_url) as connection:
        return connection.execute("select number from seals order by number").fetchall()


async def test_the_first_seal_covers_everything_and_the_next_one_what_is_new(
    lively: LedgerDatabase, tmp_path: Path
) -> None:
    before = recorded_in(lively)
    first = await seal_now(lively, tmp_path)
    await post_more(lively, 10)
    recorded = recorded_in(lively)
    second = await seal_now(lively, tmp_path)
    assert (first.number, first.transactions) == (1, before)
    assert (second.number, second.transactions) == (2, recorded - before)
    one, two = read(tmp_path, 1), read(tmp_path, 2)
    assert (one.seal.recorded, two.seal.recorded) == (before, recorded)
    assert two.seal.previous == seal_hash(one.seal)
    assert [lane.first for lane in two.lanes] == [lane.last + 1 for lane in one.lanes]
    assert has_good_signature(one)
    assert has_good_signature(two)
    assert one.seal.ledger == two.seal.ledger


async def test_a_seal_can_be_rebuilt_from_the_journal_as_documented(lively: LedgerDatabase, tmp_path: Path) -> None:
    await seal_now(lively, tmp_path)
    document = read(tmp_path, 1)
    async with open_pool(lively.service_url, maximum_size=1) as pool, pool.connection() as connection:
        lanes = await read_lanes(connection)
        cursor = await connection.execute(
            f"select hash, {', '.join(SealedTransaction.__struct_fields__)} "  # noqa: S608 - the fields are ours
            "from transactions where lane = 1 order by sequence"
        )
        leaves = [transaction_leaf(row[0], SealedTransaction(*row[1:])) for row in await cursor.fetchall()]
    assert document.lanes[1].root == merkle_root(leaves).hex()
    assert [(lane.head, lane.last, lane.next_lot) for lane in document.lanes] == [
        (lane.head.hex(), lane.next_sequence - 1, lane.next_lot) for lane in lanes
    ]


async def test_pages_of_any_size_give_the_same_seal(
    lively: LedgerDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await seal_now(lively, tmp_path / "whole")
    with connect(lively) as connection:
        delete(connection, "seals", pick(connection, "seals", prefer="number"))
    monkeypatch.setattr(lane_trees, "PAGE_TRANSACTIONS", 7)
    assert (await seal_now(lively, tmp_path / "paged")).root == whole.root


async def test_a_day_has_one_seal_unless_another_is_forced(lively: LedgerDatabase, tmp_path: Path) -> None:
    first = await seal(lively, tmp_path, forced=False)
    assert isinstance(first, SealMade)
    await post_more(lively)
    nothing = NothingToSeal(1, first.sealed_at)
    assert await seal(lively, tmp_path, forced=False) == nothing
    assert isinstance(await seal(lively, tmp_path, forced=True), SealMade)
    assert await seal(lively, tmp_path, forced=True) == NothingToSeal(2, first.sealed_at)
    await pass_a_day(lively)
    # Also a day on which nothing happened is sealed: its seal says so.
    third = await seal(lively, tmp_path, forced=False)
    assert isinstance(third, SealMade)
    assert (third.number, third.transactions) == (3, 0)
    assert (await audit_daily(lively, tmp_path)).is_clean


async def test_the_file_is_the_row_and_can_only_be_read(lively: LedgerDatabase, tmp_path: Path) -> None:
    made = await seal_now(lively, tmp_path / "outside" / "seals")
    file = Path(made.file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert [entry.name for entry in file.parent.iterdir()] == ["seal-000001.json"]
    document = json.loads(file.read_bytes())
    with psycopg.connect(lively.service_url) as connection:
        [(whole, lanes, signature)] = connection.execute("select seal, lanes, signature from seals").fetchall()
    assert document == {"seal": json.loads(whole), "signature": signature, "lanes": json.loads(lanes)}
    assert file.read_bytes().startswith(b'{"seal":' + whole)


async def test_a_file_that_is_gone_is_written_again_by_the_next_run(lively: LedgerDatabase, tmp_path: Path) -> None:
    made = await seal_now(lively, tmp_path)
    before = Path(made.file).read_bytes()
    Path(made.file).unlink()
    assert isinstance(await seal(lively, tmp_path), NothingToSeal)
    assert Path(made.file).read_bytes() == before


@pytest.mark.parametrize("fate", ["dies before its file", "dies before its file has its name"])
async def test_a_process_killed_between_row_and_file_leaves_what_the_next_one_completes(
    lively: LedgerDatabase, tmp_path: Path, fate: str
) -> None:
    killed = start_sealer(lively, tmp_path, fate)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    assert rows(lively) == [(1,)]
    assert not (tmp_path / "seal-000001.json").exists()
    assert isinstance(await seal(lively, tmp_path), NothingToSeal)
    report = await audit_daily(lively, tmp_path)
    assert report.is_clean, report.differences
    assert report.seals == 1


async def test_processes_that_seal_at_once_make_one_seal(lively: LedgerDatabase, tmp_path: Path) -> None:
    for number in (1, 2):
        racers = [start_sealer(lively, tmp_path) for _ in range(RACERS)]
        told = []
        for racer in racers:
            output, errors = racer.communicate(timeout=60)
            assert racer.returncode == 0, errors
            told.append(output.strip())
        assert sorted(told) == [f"NothingToSeal {number}"] * (RACERS - 1) + [f"SealMade {number}"]
        await post_more(lively)
    assert rows(lively) == [(1,), (2,)]
    assert (await audit_daily(lively, tmp_path)).is_clean


async def test_sealing_beside_posting_covers_each_transaction_once(lively: LedgerDatabase, tmp_path: Path) -> None:
    posting = asyncio.create_task(post_more(lively, 60))
    while not posting.done():
        await seal(lively, tmp_path)
    await posting
    await seal(lively, tmp_path)
    recorded = recorded_in(lively)
    documents = [read(tmp_path, number) for (number,) in rows(lively)]
    assert len(documents) > 1
    assert sum(document.seal.transactions for document in documents) == recorded == documents[-1].seal.recorded
    assert (await audit_daily(lively, tmp_path)).is_clean


async def test_every_transaction_is_proved_once_it_is_sealed(lively: LedgerDatabase, tmp_path: Path) -> None:
    await seal_now(lively, tmp_path)
    await post_more(lively, 4)
    await seal_now(lively, tmp_path)
    await post_more(lively, 4)
    async with open_pool(lively.service_url, maximum_size=1) as pool, pool.connection() as connection:
        cursor = await connection.execute("select lane, sequence from transactions order by lane, sequence")
        found = [Place(*row) for row in await cursor.fetchall()]
        unsealed = 0
        for place in found:
            try:
                proof = await prove(connection, place, with_canonical_form=True)
            except NotSealedYet:
                unsealed += 1
                continue
            assert (proof.transaction.lane, proof.transaction.sequence) == place
            assert proof.canonical_form is not None
            assert verify_proof(msgspec.json.encode(proof), KEYS.trusted) == proof
    assert unsealed == recorded_in(lively, after_seal=2) > 0


ALTERED = {
    "a transaction is gone": "delete from transactions where lane = 1 and sequence = 20",
    "the last transaction is gone": "delete from transactions where lane = 1 "
    "and sequence = (select next_sequence - 1 from lanes where lane = 1)",
    "the lane's head is another": "update lanes set head = sha256('x') where lane = 1",
    "a lane is gone": "delete from lanes where lane = 1",
}
ALTERED_AFTER_A_SEAL = {
    "the sealed end is another": "update transactions set hash = sha256('x') where lane = 1 "
    "and sequence = (select lasts[2] from seals)",
    "the lane was rewound": "update lanes set next_sequence = 10 where lane = 1",
    "the seal is another": "update seals set seal = convert_to(replace(convert_from(seal, 'UTF8'), "
    "'\"number\":1', '\"number\":7'), 'UTF8')",
    "the seal is none": "update seals set seal = 'x'",
    "its lanes are others": "update seals set lanes = convert_to(replace(convert_from(lanes, 'UTF8'), "
    "'\"first\":1', '\"first\":2'), 'UTF8')",
    "the ledger is another": "update ledger set key_check = sha256('x')",
    "the seal is gone": "delete from seals",
}


@pytest.mark.parametrize("what", ALTERED)
async def test_an_altered_ledger_is_not_sealed(lively: LedgerDatabase, tmp_path: Path, what: str) -> None:
    with connect(lively) as connection:
        assert connection.execute(ALTERED[what].encode()).rowcount == 1
    with pytest.raises(LedgerAltered):
        await seal(lively, tmp_path)
    assert rows(lively) == []


@pytest.mark.parametrize("what", ALTERED_AFTER_A_SEAL)
async def test_what_is_not_as_it_was_sealed_is_not_sealed_again(
    lively: LedgerDatabase, tmp_path: Path, what: str
) -> None:
    await seal_now(lively, tmp_path)
    await post_more(lively)
    with connect(lively) as connection:
        assert connection.execute(ALTERED_AFTER_A_SEAL[what].encode()).rowcount == 1
    with pytest.raises(LedgerAltered):
        await seal(lively, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


async def test_a_proof_of_an_altered_lane_is_refused(lively: LedgerDatabase, tmp_path: Path) -> None:
    await seal_now(lively, tmp_path)
    with connect(lively) as connection:
        drop_checks(connection, "transactions")
        row = pick(connection, "transactions", "lane = 1 and sequence = 20")
        change(connection, "transactions", row, points=row["points"] + 1)
    async with open_pool(lively.service_url, maximum_size=1) as pool, pool.connection() as connection_of_service:
        with pytest.raises(LedgerAltered, match="Lane 1 is not what was sealed"):
            await prove(connection_of_service, Place(1, 5), with_canonical_form=False)


async def test_a_new_key_goes_on_only_where_the_old_one_is_trusted(lively: LedgerDatabase, tmp_path: Path) -> None:
    await seal_now(lively, tmp_path)
    await post_more(lively)
    with pytest.raises(LedgerAltered, match=KEYS.public_key):
        await seal(lively, tmp_path, keys=OTHER_KEYS)
    rotated = type(KEYS)(bytes(32), [KEYS.public_key])
    made = await seal_now(lively, tmp_path, rotated)
    assert made.public_key == OTHER_KEYS.public_key
    assert (await audit_daily(lively, tmp_path, rotated.trusted)).is_clean
    assert not (await audit_daily(lively, tmp_path, OTHER_KEYS.trusted)).is_clean
