"""What was done to epochs behind the service's back is found: in the journal, and in the rows beside it."""

import pytest

from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.rules.epochs import epoch_key
from tests.audit.conftest import audit_of
from tests.audit.lively_ledger import EPOCHS
from tests.audit.sealed_ledger import places
from tests.audit.tampering import Row, change, connect, delete, forge_chain, insert, names, pick
from tests.audit.told_stories import LANES
from tests.databases import LedgerDatabase

IDENTITIES = list(EPOCHS.values())
SAID = "identity and superseded seals of the epoch"


async def test_a_ledger_with_epochs_is_clean(lively: LedgerDatabase) -> None:
    assert (await audit_of(lively)).differences == ()
    with connect(lively) as connection:
        starts = connection.execute("select lane, epoch, sequence from epoch_starts order by lane, sequence").fetchall()
    assert [(row["lane"], row["epoch"]) for row in starts] == [(lane, n) for lane in range(LANES) for n in (1, 2)]


@pytest.mark.parametrize(
    "values", [{"identity": bytes(16)}, {"superseded_seals": b'[{"number":1,"hash":"00"}]'}], ids=["identity", "seals"]
)
async def test_an_epoch_that_says_something_else_is_found_in_every_lane(
    lively: LedgerDatabase, values: dict[str, object]
) -> None:
    with connect(lively) as connection:
        change(connection, "epochs", pick(connection, "epochs", "number = 2", prefer="number"), **values)
    found = {(lane, what) for lane, _, what in places(await audit_of(lively))}
    assert found == {(lane, SAID) for lane in range(LANES)}


async def test_an_epoch_that_was_deleted_is_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        delete(connection, "epochs", pick(connection, "epochs", "number = 1", prefer="number"))
    found = places(await audit_of(lively))
    assert (None, "epochs", "numbers") in found
    assert {lane for lane, _, what in found if what == "epoch"} == set(range(LANES))


async def test_an_epoch_that_never_began_is_found_with_the_lanes_that_lack_it(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        row = pick(connection, "epochs", "number = 2", prefer="number")
        insert(connection, "epochs", row | {"number": 3, "identity": bytes(16)})
    [difference] = (await audit_of(lively)).differences
    assert (difference.place, difference.found) == ("epoch 3", "missing in lanes [0, 1, 2]")


async def forge(database: LedgerDatabase, *, where: str, values: dict[str, object]) -> Row:
    """Change particulars of a beginning, and make key, row and chain fit them."""
    with connect(database) as connection:
        row = pick(connection, "particulars", where)
        change(connection, "particulars", row, **values)
        forged = pick(connection, "transactions", f"t.lane = {row['lane']} and t.sequence = {row['sequence']}")
        said = row | values
        key = epoch_key(said["epoch"], said["epoch_identity"], row["lane"])
        old = pick(connection, "idempotency_keys", f"digest = '\\x{forged['key_digest'].hex()}'")
        digests = {"request_digest": key[:REQUEST_DIGEST_BYTES]}
        change(connection, "idempotency_keys", old, digest=key, **digests)
        change(connection, "transactions", forged, key_digest=key, **digests)
    await forge_chain(database, row["lane"])
    return forged


async def test_a_forged_chain_does_not_hide_another_identity(lively: LedgerDatabase) -> None:
    forged = await forge(lively, where="epoch = 1 and t.lane = 1", values={"epoch_identity": "ab" * 16})
    assert places(await audit_of(lively)) == {(1, f"transaction {forged['sequence']}", SAID)}


async def test_a_forged_chain_does_not_hide_an_epoch_that_was_left_out(lively: LedgerDatabase) -> None:
    forged = await forge(lively, where="epoch = 2 and t.lane = 1", values={"epoch": 3})
    place = f"transaction {forged['sequence']}"
    found = places(await audit_of(lively))
    assert {what for lane, where, what in found if (lane, where) == (1, place)} == {"number of the epoch", "epoch"}
    assert (1, "epoch 2", "its beginning") in found


async def test_nothing_else_passes_as_the_beginning_of_an_epoch(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        notice = pick(connection, "transactions", "kind = 17")
        connection.execute("alter table particulars drop constraint particulars_notice_is_whole")
        particulars = pick(
            connection, "particulars", f"t.lane = {notice['lane']} and t.sequence = {notice['sequence']}"
        )
        change(
            connection,
            "particulars",
            particulars,
            expires_on=None,
            days_before=None,
            epoch=1,
            epoch_identity=IDENTITIES[0].hex(),
        )
        change(connection, "transactions", notice, kind=23)
    await forge_chain(lively, notice["lane"])
    report = await audit_of(lively)
    assert names(report, "transactions", notice)
    found = {what for lane, place, what in places(report) if place == f"transaction {notice['sequence']}"}
    assert found >= {"member", "programme and points", "key of the epoch", "row of the beginning"}


async def test_a_hidden_beginning_is_found(lively: LedgerDatabase) -> None:
    with connect(lively) as connection:
        row = pick(connection, "transactions", "kind = 23")
        change(connection, "transactions", row, kind=17)
    await forge_chain(lively, row["lane"])
    report = await audit_of(lively)
    assert names(report, "transactions", row)
    assert (row["lane"], "epoch 1", "its beginning") in places(report)
