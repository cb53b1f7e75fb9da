"""Seals of what was lost: a restored ledger ends before them, so no further seal can follow them.

The epoch that the restored ledger begins names each of them by number and hash, and the journal commits to that in
every lane. The next seals go on from the last one that the restored ledger knows, with numbers that may have been
used before; they cover the beginning of the epoch, and so say that the others are superseded. These are kept, apart.
"""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import astuple
from psycopg import AsyncConnection

from ledger.audit.report import Findings
from ledger.audit.seal_folder import SealFolder, read_seal_file
from ledger.errors import LedgerAltered
from ledger.rules.epochs import SupersededSeal
from ledger.rules.seals import SealDocument, has_good_signature, seal_hash
from ledger.store.epochs import Epoch, read_epochs
from ledger.store.seals import read_identity, read_last_seal

_decode = msgspec.json.Decoder(SealDocument).decode


async def find_superseded_seals(connection: AsyncConnection, directory: Path) -> tuple[SupersededSeal, ...]:
    """The seals that the next epoch supersedes, in order: those newer than the last one that the ledger knows.

    Also those that a lost history had superseded. Raises LedgerAltered for a file that is no good seal of this ledger.
    """
    folder = SealFolder(directory)
    last = await read_last_seal(connection)
    identity = await read_identity(connection)
    known = {seal for epoch in await read_epochs(connection) for seal in epoch.superseded_seals}
    numbers = await asyncio.to_thread(folder.numbers)
    newer = {folder.path_of(number): number for number in numbers if last is None or number > last.number}
    found = [await asyncio.to_thread(_superseded, path, identity, number) for path, number in newer.items()]
    found += [
        await asyncio.to_thread(_superseded, path, identity) for path in await asyncio.to_thread(folder.superseded)
    ]
    return tuple(sorted(set(found) - known, key=astuple))


def move_superseded_seals(directory: Path, epochs: Sequence[Epoch]) -> int:
    """Put the seals that epochs supersede apart, and return how many still lay among the others. Raises OSError."""
    folder = SealFolder(directory)
    moved = 0
    for epoch in epochs:
        for seal in epoch.superseded_seals:
            document = _document(folder.read(seal.number))
            # By its hash: a later seal may bear the same number.
            if document is not None and seal_hash(document.seal) == seal.hash:
                folder.supersede(seal.number, seal.hash)
                moved += 1
    return moved


async def check_superseded_seals(
    connection: AsyncConnection, findings: Findings, directory: Path, trusted: Collection[str] | None
) -> None:
    """Note which superseded seals are not the ones that epochs name, and what lies among them and is not named."""
    folder = SealFolder(directory)
    strangers = await asyncio.to_thread(folder.superseded)
    for epoch in await read_epochs(connection):
        for seal in epoch.superseded_seals:
            path = folder.path_of_superseded(seal.number, seal.hash)
            _check(findings, seal, path, await asyncio.to_thread(read_seal_file, path), trusted)
            strangers.discard(path)
    for path in sorted(strangers):
        findings.differ(None, f"superseded {path.name}", "file", path, "none: no epoch supersedes it")


def _check(
    findings: Findings, seal: SupersededSeal, path: Path, found: bytes | None, trusted: Collection[str] | None
) -> None:
    place = f"superseded {path.name}"
    document = _document(found)
    if document is None or seal_hash(document.seal) != seal.hash or not has_good_signature(document):
        shown = "nothing" if found is None else "another document"
        findings.differ(None, place, "file", shown, f"seal {seal.number} of hash {seal.hash}, in {path}")
    elif trusted is not None and document.seal.public_key not in trusted:
        findings.differ(None, place, "key", document.seal.public_key, f"one of {', '.join(sorted(trusted))}")


def _superseded(path: Path, identity: str, number: int | None = None) -> SupersededSeal:
    document = _document(read_seal_file(path))
    if document is None or not has_good_signature(document):
        raise LedgerAltered(f"{path} is no good seal, so no epoch can supersede it.")
    seal = document.seal
    if (seal.number, seal.ledger) != (number or seal.number, identity):
        wanted = f"ledger {identity}" if number is None else f"seal {number} of ledger {identity}"
        raise LedgerAltered(f"{path} is seal {seal.number} of ledger {seal.ledger}; wanted is one of {wanted}.")
    return SupersededSeal(seal.number, seal_hash(seal))


def _document(text: bytes | None) -> SealDocument | None:
    try:
        return _decode(text or b"")
    except msgspec.DecodeError:
        return None
