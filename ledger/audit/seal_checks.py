"""Checks of the seals: each in itself, one against the other, against its file and against the journal.

Whoever rewinds or rewrites the ledger with all its projections cannot sign other seals, and does not reach the
files; so what was sealed shows it.
"""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
from psycopg import AsyncConnection

from ledger.audit.auditor import Check
from ledger.audit.pages import read_lanes
from ledger.audit.report import Findings
from ledger.audit.seal_folder import SealFolder
from ledger.audit.superseded_seals import check_superseded_seals
from ledger.rules.journal import CHAIN_START
from ledger.rules.seals import (
    NO_SEAL,
    Seal,
    SealDocument,
    SealedLane,
    encode_document,
    has_good_signature,
    root_of_lanes,
    seal_hash,
    signed_bytes,
)
from ledger.store.arrays import Bigints, Smallints
from ledger.store.seals import SealRow, read_identity, read_seals_after

PAGE_SEALS = 20

FILE_PATIENCE_SECONDS = 2.0
"""How long the first missing file is waited for: the row comes first, and the file an instant later."""

# The stored hashes at some places of the journal; null where nothing is.
_READ_HASHES = """
select t.hash from unnest(%b, %b) with ordinality as wanted(lane, sequence, position)
left join transactions t on t.lane = wanted.lane and t.sequence = wanted.sequence
order by position
"""


def seal_check(directory: Path, trusted: Collection[str] | None) -> Check:
    """A check for ``audit``: the seals beside the folder they were written to.

    ``trusted`` are the public keys that seals may carry; None trusts any, each for what it has signed.
    """

    async def check(connection: AsyncConnection, findings: Findings) -> None:
        await check_seals(connection, findings, directory, trusted)

    return check


async def check_seals(
    connection: AsyncConnection, findings: Findings, directory: Path, trusted: Collection[str] | None
) -> SealDocument | None:
    """Note what differs, and return the last seal in which nothing did; None where there is none."""
    return await _SealChecks(connection, findings, SealFolder(directory), trusted).run()


class _SealChecks:
    def __init__(
        self, connection: AsyncConnection, findings: Findings, folder: SealFolder, trusted: Collection[str] | None
    ) -> None:
        self._connection = connection
        self._findings = findings
        self._folder = folder
        self._trusted = trusted
        self._identity = ""
        self._place = ""
        self._before: SealDocument | None = None
        self._good: SealDocument | None = None
        self._patience_seconds = FILE_PATIENCE_SECONDS

    async def run(self) -> SealDocument | None:
        """Check all seals in order."""
        # Before the rows: a seal that is made meanwhile is then no file without a row.
        missing = await asyncio.to_thread(self._folder.numbers)
        self._identity = await read_identity(self._connection)
        number = 0
        while rows := await read_seals_after(self._connection, number, PAGE_SEALS):
            for row in rows:
                await self._check(row)
            missing -= {row.number for row in rows}
            number = rows[-1].number
        for number in sorted(missing):
            self._findings.differ(None, f"seal {number}", "row", "nothing", self._folder.path_of(number))
        await self._check_ends()
        await check_superseded_seals(self._connection, self._findings, self._folder.directory, self._trusted)
        return self._good

    async def _check(self, row: SealRow) -> None:
        self._place = f"seal {row.number}"
        self._findings.seals += 1
        count = self._findings.count
        try:
            document = row.document()
        except msgspec.DecodeError as error:
            self._differ("document", str(error), "a seal")
            return
        self._check_row(row, document)
        self._check_signature(document)
        self._check_order(document.seal)
        self._check_lanes(document)
        await self._check_file(row, document)
        await self._check_journal(document.lanes)
        self._before = document
        if self._findings.count == count:
            self._good = document

    def _check_row(self, row: SealRow, document: SealDocument) -> None:
        seal = document.seal
        self._compare(
            "number, time, key and last sequences",
            (row.number, row.sealed_at, row.public_key, row.lasts),
            (seal.number, seal.sealed_at, seal.public_key, [lane.last for lane in document.lanes]),
        )
        self._compare("bytes signed", row.seal, signed_bytes(seal))

    def _check_signature(self, document: SealDocument) -> None:
        key = document.seal.public_key
        if not has_good_signature(document):
            self._differ("signature", document.signature, f"one by the key {key}")
        if self._trusted is not None and key not in self._trusted:
            self._differ("key", key, f"one of {', '.join(sorted(self._trusted))}")

    def _check_order(self, seal: Seal) -> None:
        before = None if self._before is None else self._before.seal
        self._compare("ledger", seal.ledger, self._identity)
        self._compare("number", seal.number, 1 if before is None else before.number + 1)
        self._compare("hash of the previous seal", seal.previous, NO_SEAL if before is None else seal_hash(before))
        if before is not None and seal.sealed_at < before.sealed_at:
            self._differ("sealed_at", seal.sealed_at, f"{before.sealed_at} or later")

    def _check_lanes(self, document: SealDocument) -> None:
        """The lanes are those under the root, and each goes on where the previous seal left it."""
        seal, lanes = document.seal, document.lanes
        self._compare("root", seal.root, root_of_lanes(lanes))
        self._compare(
            "lanes, transactions and recorded",
            (seal.lanes, seal.transactions, seal.recorded),
            (len(lanes), sum(lane.transactions for lane in lanes), sum(lane.last for lane in lanes)),
        )
        ends = [(number, 0, CHAIN_START.hex()) for number in range(len(lanes))]
        if self._before is not None:
            ends = [(lane.lane, lane.last, lane.head) for lane in self._before.lanes]
        self._compare("lanes", [lane.lane for lane in lanes], [number for number, _, _ in ends])
        for lane, (_, last, head) in zip(lanes, ends, strict=False):
            if lane.first != last + 1 or lane.last < last or (lane.last == last and lane.head != head):
                self._differ(f"start of lane {lane.lane}", f"{lane.first} to {lane.last}", f"after {last}, {head}")

    async def _check_file(self, row: SealRow, document: SealDocument) -> None:
        found = await asyncio.to_thread(self._folder.read, row.number)
        if found is None:
            await asyncio.sleep(self._patience_seconds)
            self._patience_seconds = 0.0
            found = await asyncio.to_thread(self._folder.read, row.number)
        if found != encode_document(document):
            shown = "nothing" if found is None else "another document"
            self._differ("file", shown, f"the seal, in {self._folder.path_of(row.number)}")

    async def _check_journal(self, lanes: Sequence[SealedLane]) -> None:
        """The journal has the sealed hash at the end of what was sealed of each lane."""
        sealed = [lane for lane in lanes if lane.transactions > 0]
        places = [Smallints.of([lane.lane for lane in sealed]), Bigints.of([lane.last for lane in sealed])]
        cursor = await self._connection.execute(_READ_HASHES, places)
        for lane, (found,) in zip(sealed, await cursor.fetchall(), strict=True):
            if found is None or found.hex() != lane.head:
                place = f"transaction {lane.last}"
                self._findings.differ(lane.lane, place, f"hash, as in {self._place}", found, lane.head)

    async def _check_ends(self) -> None:
        """No lane ends before what was sealed of it."""
        if self._before is None:
            return
        found = {lane.lane: lane.next_sequence - 1 for lane in await read_lanes(self._connection)}
        for lane in self._before.lanes:
            last = found.get(lane.lane)
            if last is None or last < lane.last:
                expected = f"{lane.last} or later, as in seal {self._before.seal.number}"
                self._findings.differ(lane.lane, "end of the journal", "last transaction", last, expected)

    def _differ(self, what: str, found: object, expected: object) -> None:
        self._findings.differ(None, self._place, what, found, expected)

    def _compare(self, what: str, found: object, expected: object) -> None:
        self._findings.compare(None, self._place, what, found, expected)
