"""A restored ledger, older than its seals, goes on: the epoch names the seals of what was lost, and they are kept."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from api.epochs import begin_epoch, begin_epoch_by_hand, finish_begun_epochs
from ledger.audit import AuditReport
from ledger.audit.seal_checks import seal_check
from ledger.audit.seal_folder import SealFolder
from ledger.embedded import EmbeddedPostgres
from ledger.errors import LedgerAltered
from ledger.posting.engine import Engine
from ledger.rules.epochs import SupersededSeal, superseded_commitment
from ledger.rules.seals import SealDocument, encode_document, seal_hash, sign_seal
from ledger.store.epochs import Epoch, NewEpoch, add_epoch
from tests.audit.conftest import audit_of
from tests.audit.lively_ledger import KEY
from tests.audit.sealed_ledger import KEYS, OTHER_KEYS, audit_daily, places, post_more, seal, seal_now
from tests.audit.tampering import change, connect, pick
from tests.databases import LedgerDatabase

IDENTITY = bytes(range(100, 116))
REASON = "the disk was gone"


@pytest.fixture
def backups(postgres: EmbeddedPostgres, database_numbers: Iterator[int]) -> Iterator[list[str]]:
    """The names of copies of databases, which are dropped at the end."""
    names = [f"backup_{next(database_numbers)}" for _ in range(2)]
    yield names
    for name in names:
        postgres.drop_database(name)


@pytest.fixture
async def restored(
    lively: LedgerDatabase, postgres: EmbeddedPostgres, backups: list[str], tmp_path: Path
) -> LedgerDatabase:
    """A copy of a ledger with seal 1, after which the ledger itself went on to seals 2 and 3 before it was lost."""
    await seal_now(lively, tmp_path)
    await post_more(lively, 5)
    for name in backups:
        postgres.create_database(name, template=lively.name)
    for _ in range(2):
        await post_more(lively, 12)
        await seal_now(lively, tmp_path)
    return LedgerDatabase.on(postgres, backups[0])


async def begin(database: LedgerDatabase, folder: Path, identity: bytes = IDENTITY) -> Epoch:
    async with Engine.open(database.service_url, KEY) as engine:
        return await begin_epoch(engine, folder, identity, reason=REASON)


async def audit_fully(database: LedgerDatabase, folder: Path) -> AuditReport:
    return await audit_of(database, [seal_check(folder, KEYS.trusted)])


def document(path: Path) -> SealDocument:
    return msgspec.json.decode(path.read_bytes(), type=SealDocument)


def path_of(folder: Path, number: int) -> Path:
    return folder / f"seal-{number:06}.json"


def apart(folder: Path) -> dict[str, bytes]:
    """What lies apart, by name."""
    return {file.name: file.read_bytes() for file in (folder / "superseded").iterdir()}


def name_of(seal: SupersededSeal) -> str:
    return f"seal-{seal.number:06}-{seal.hash[:16]}.json"


async def test_a_restored_ledger_is_not_sealed_before_the_loss_is_accepted(
    restored: LedgerDatabase, tmp_path: Path
) -> None:
    with pytest.raises(LedgerAltered, match="citypoints new-epoch"):
        await seal(restored, tmp_path)
    assert {(None, "seal 2", "row"), (None, "seal 3", "row")} <= places(await audit_fully(restored, tmp_path))


async def test_after_the_epoch_seals_go_on_from_the_last_one_that_was_restored(
    restored: LedgerDatabase, tmp_path: Path
) -> None:
    lost = {number: path_of(tmp_path, number).read_bytes() for number in (2, 3)}
    epoch = await begin(restored, tmp_path)
    named = [seal_hash(msgspec.json.decode(text, type=SealDocument).seal) for text in lost.values()]
    assert epoch.superseded_seals == (SupersededSeal(2, named[0]), SupersededSeal(3, named[1]))
    assert apart(tmp_path) == {name_of(seal): lost[seal.number] for seal in epoch.superseded_seals}
    assert SealFolder(tmp_path).numbers() == {1}
    assert (await audit_fully(restored, tmp_path)).differences == ()
    made = await seal_now(restored, tmp_path)
    assert made.number == 2
    assert document(tmp_path / "seal-000002.json").seal.previous == seal_hash(
        document(tmp_path / "seal-000001.json").seal
    )
    for report in (await audit_fully(restored, tmp_path), await audit_daily(restored, tmp_path)):
        assert (report.differences, report.seals) == ((), 2)


async def test_every_lane_commits_to_the_seals_that_are_superseded(restored: LedgerDatabase, tmp_path: Path) -> None:
    epoch = await begin(restored, tmp_path)
    with connect(restored) as connection:
        rows = connection.execute("select superseded_seals as said from particulars where epoch = 3").fetchall()
    assert [row["said"] for row in rows] == [superseded_commitment(epoch.superseded_seals)] * 3


async def test_an_epoch_that_was_cut_short_before_the_seals_moved_is_finished(
    restored: LedgerDatabase, tmp_path: Path
) -> None:
    seals = tuple(
        SupersededSeal(number, seal_hash(document(tmp_path / f"seal-{number:06}.json").seal)) for number in (2, 3)
    )
    async with Engine.open(restored.service_url, KEY) as engine:
        async with engine.pool.connection() as connection:
            new = NewEpoch(identity=IDENTITY, reason=REASON, superseded_seals=seals)
            await add_epoch(connection, new)
        with pytest.raises(LedgerAltered, match="older than its seals"):
            await seal(restored, tmp_path)
        begun = await begin_epoch_by_hand(engine, tmp_path, reason="again")
        assert (begun.epoch.number, begun.epoch.identity, begun.was_interrupted) == (3, IDENTITY, True)
        # Killed while they moved: one is apart, one is not.
        (tmp_path / "superseded" / name_of(seals[1])).rename(path_of(tmp_path, 3))
        assert (None, f"superseded {name_of(seals[1])}", "file") in places(await audit_fully(restored, tmp_path))
        assert (await finish_begun_epochs(engine, tmp_path)) == begun.epoch
        assert (await finish_begun_epochs(engine, tmp_path)) is None
    assert (await audit_fully(restored, tmp_path)).differences == ()


async def test_a_second_restore_of_the_same_backup_supersedes_the_seals_since_the_first(
    restored: LedgerDatabase, postgres: EmbeddedPostgres, backups: list[str], tmp_path: Path
) -> None:
    await begin(restored, tmp_path)
    await seal_now(restored, tmp_path)
    again = LedgerDatabase.on(postgres, backups[1])
    epoch = await begin(again, tmp_path, bytes(16))
    assert [seal.number for seal in epoch.superseded_seals] == [2, 2, 3]
    assert set(apart(tmp_path)) == {name_of(seal) for seal in epoch.superseded_seals}
    await seal_now(again, tmp_path)
    assert (await audit_fully(again, tmp_path)).differences == ()


async def test_a_further_epoch_takes_no_seal_a_second_time_and_none_that_follows(
    restored: LedgerDatabase, tmp_path: Path
) -> None:
    await begin(restored, tmp_path)
    await seal_now(restored, tmp_path)
    further = await begin(restored, tmp_path, bytes(16))
    assert (further.number, further.superseded_seals) == (4, ())
    assert SealFolder(tmp_path).numbers() == {1, 2}
    assert (await audit_fully(restored, tmp_path)).differences == ()


async def test_a_superseded_seal_that_is_gone_changed_or_not_named_is_found(
    restored: LedgerDatabase, tmp_path: Path
) -> None:
    epoch = await begin(restored, tmp_path)
    await seal_now(restored, tmp_path)
    gone, changed = (tmp_path / "superseded" / name_of(seal) for seal in epoch.superseded_seals)
    stranger = changed.with_name(f"seal-000004-{'0' * 16}.json")
    good = document(changed)
    gone.unlink()
    changed.chmod(0o644)
    other = msgspec.structs.replace(good.seal, transactions=good.seal.transactions + 1)
    changed.write_bytes(encode_document(sign_seal(other, good.lanes, KEYS)))
    stranger.write_bytes(encode_document(good))
    for report in (await audit_fully(restored, tmp_path), await audit_daily(restored, tmp_path)):
        assert places(report) == {(None, f"superseded {file.name}", "file") for file in (gone, changed, stranger)}


async def test_superseding_a_seal_without_an_epoch_in_the_journal_is_found(
    restored: LedgerDatabase, tmp_path: Path
) -> None:
    """Whoever rewinds the database and reaches the folder, too, would have to write it into every lane's chain."""
    epoch = await begin(restored, tmp_path)
    seals = msgspec.json.encode(epoch.superseded_seals[:1])
    (tmp_path / "superseded" / name_of(epoch.superseded_seals[1])).unlink()
    with connect(restored) as connection:
        change(connection, "epochs", pick(connection, "epochs", "number = 3", prefer="number"), superseded_seals=seals)
    found = places(await audit_fully(restored, tmp_path))
    assert {(lane, what) for lane, _, what in found} == {
        (lane, "identity and superseded seals of the epoch") for lane in range(3)
    }


@pytest.mark.parametrize("what", ["nonsense", "altered", "other number"])
async def test_what_is_no_good_seal_of_the_ledger_is_not_superseded(
    restored: LedgerDatabase, tmp_path: Path, what: str
) -> None:
    path = tmp_path / "seal-000003.json"
    good = document(path)
    path.chmod(0o644)
    if what == "nonsense":
        path.write_text("{}")
    elif what == "altered":
        altered = msgspec.structs.replace(good.seal, transactions=good.seal.transactions + 1)
        path.write_bytes(encode_document(SealDocument(altered, good.signature, good.lanes)))
    else:
        other = msgspec.structs.replace(good.seal, number=7)
        path.write_bytes(encode_document(sign_seal(other, good.lanes, KEYS)))
    with pytest.raises(LedgerAltered, match=r"seal-000003\.json"):
        await begin(restored, tmp_path)
    with connect(restored) as connection:
        assert connection.execute("select number from epochs where number > 2").fetchall() == []


async def test_a_superseded_seal_by_a_key_that_nobody_trusts_is_found(restored: LedgerDatabase, tmp_path: Path) -> None:
    path = tmp_path / "seal-000003.json"
    good = document(path)
    path.chmod(0o644)
    seal_of_another = msgspec.structs.replace(good.seal, public_key=OTHER_KEYS.public_key)
    path.write_bytes(encode_document(sign_seal(seal_of_another, good.lanes, OTHER_KEYS)))
    epoch = await begin(restored, tmp_path)
    place = f"superseded {name_of(epoch.superseded_seals[1])}"
    assert places(await audit_fully(restored, tmp_path)) == {(None, place, "key")}


async def test_nothing_changes_for_seals_whose_range_was_restored(lively: LedgerDatabase, tmp_path: Path) -> None:
    await seal_now(lively, tmp_path)
    epoch = await begin(lively, tmp_path)
    assert epoch.superseded_seals == ()
    assert not (tmp_path / "superseded").exists()
    await seal_now(lively, tmp_path)
    assert (await audit_fully(lively, tmp_path)).differences == ()
