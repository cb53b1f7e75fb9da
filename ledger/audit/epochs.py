"""Epochs: each has begun in every lane, in order, and the journal says of each what its row says."""

import asyncio
from collections.abc import Mapping

import msgspec
from psycopg import AsyncConnection

from ledger.audit import queries
from ledger.audit.case import Case
from ledger.audit.report import Findings
from ledger.ids import REQUEST_DIGEST_BYTES, Place
from ledger.rules.epochs import IDENTITY_BYTES, epoch_key, superseded_commitment
from ledger.rules.journal import Particulars
from ledger.store.epochs import Epoch, read_epochs

PATIENCE_SECONDS = 2.0
"""How long an epoch that is just being started is waited for: the row comes first, and the lanes an instant later."""


class EpochRows(msgspec.Struct, frozen=True):
    """The rows of epochs, and the place of each beginning by (lane, epoch)."""

    epochs: dict[int, Epoch]
    starts: dict[tuple[int, int], Place]


async def read_epoch_rows(connection: AsyncConnection) -> EpochRows:
    """Read what the tables say; raises msgspec.DecodeError where a row is none."""
    # In this order: a beginning is written after its epoch.
    cursor = await connection.execute(queries.READ_EPOCH_STARTS)
    starts = {(lane, epoch): Place(lane, sequence) for lane, epoch, sequence in await cursor.fetchall()}
    return EpochRows({epoch.number: epoch for epoch in await read_epochs(connection)}, starts)


def check_epoch(case: Case) -> None:
    """The next epoch of its lane, begun under its own key; nothing moves."""
    transaction, particulars = case.transaction, case.particulars
    number, identity, books = particulars.epoch, particulars.epoch_identity, case.books
    expected = Particulars(epoch=number, epoch_identity=identity, superseded_seals=particulars.superseded_seals)
    case.compare("particulars", particulars, expected)
    case.check_frame()
    case.compare("programme and points", (transaction.programme, transaction.points), (0, 0))
    case.compare("postings and lots", (len(transaction.postings), len(transaction.lots)), (0, 0))
    case.compare("number of the epoch", number, books.epoch + 1)
    if identity is None or len(identity) != 2 * IDENTITY_BYTES:
        case.differ("identity of the epoch", identity, f"{2 * IDENTITY_BYTES} hexadecimal digits")
    key = epoch_key(number or 0, identity or "", transaction.lane)
    found = (transaction.key_digest, transaction.request_digest)
    case.compare("key of the epoch", found, (key, key[:REQUEST_DIGEST_BYTES]))
    books.epoch = number or books.epoch
    case.crossing.epochs[case.place] = particulars


async def check_epochs(
    connection: AsyncConnection, findings: Findings, found: Mapping[Place, Particulars], before: EpochRows, lanes: int
) -> None:
    """Compare the beginnings that the journal has with the rows; ``before`` are those of when the audit began."""
    rows = await read_epoch_rows(connection)
    findings.compare(None, "epochs", "numbers", sorted(rows.epochs), list(range(1, len(rows.epochs) + 1)))
    for place, particulars in found.items():
        _check_beginning(findings, place, particulars, rows)
    for (lane, epoch), place in before.starts.items():
        if place not in found or found[place].epoch != epoch:
            findings.differ(lane, f"epoch {epoch}", "its beginning", "nothing", f"transaction {place.number}")
    for (lane, epoch), place in before.starts.items():
        findings.compare(lane, f"epoch {epoch}", "row of its beginning", rows.starts.get((lane, epoch)), place)
    for number in before.epochs:
        missing = _lanes_without(rows, number, lanes)
        if missing:
            await asyncio.sleep(PATIENCE_SECONDS)
            missing = _lanes_without(await read_epoch_rows(connection), number, lanes)
        if missing:
            expected = "in every lane: `citypoints new-epoch` finishes it"
            findings.differ(None, f"epoch {number}", "its beginning", f"missing in lanes {missing}", expected)


def _check_beginning(findings: Findings, place: Place, particulars: Particulars, rows: EpochRows) -> None:
    where, number = f"transaction {place.number}", particulars.epoch or 0
    epoch = rows.epochs.get(number)
    if epoch is None:
        findings.differ(place.lane, where, "epoch", number, "one of the table of epochs")
        return
    expected = (epoch.identity.hex(), superseded_commitment(epoch.superseded_seals))
    said = (particulars.epoch_identity, particulars.superseded_seals)
    findings.compare(place.lane, where, "identity and superseded seals of the epoch", said, expected)
    findings.compare(place.lane, where, "row of the beginning", rows.starts.get((place.lane, number)), place)


def _lanes_without(rows: EpochRows, number: int, lanes: int) -> list[int]:
    return [lane for lane in range(lanes) if (lane, number) not in rows.starts]
