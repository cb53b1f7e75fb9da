"""Beginning an epoch after a restore: what the folder of seals, the journal and the operator do together.

The order of steps makes every interruption harmless: which seals are superseded is written first, then each lane, and
the seals move last. Until they have moved nothing is sealed, since the database is older than its seals.
"""

import asyncio
import secrets
from pathlib import Path

import msgspec

from ledger.audit.superseded_seals import find_superseded_seals, move_superseded_seals
from ledger.posting.engine import Engine
from ledger.posting.epochs import finish_epochs, start_epoch
from ledger.rules.epochs import IDENTITY_BYTES
from ledger.store.epochs import Epoch, read_epochs


class EpochBegun(msgspec.Struct, frozen=True):
    """An epoch that has begun in every lane; ``was_interrupted``: an earlier run had left it unfinished."""

    epoch: Epoch
    was_interrupted: bool


async def begin_epoch(
    engine: Engine,
    seals: Path,
    identity: bytes,
    *,
    reason: str,
    restored_to: int | None = None,
    lost_until: int | None = None,
) -> Epoch:
    """Begin the epoch of an identity and put apart the seals that it supersedes; again it finishes the same one.

    ``seals`` is the folder of seals; for the rest see ``start_epoch``, which raises as this does, and ``Epoch``. Raises
    LedgerAltered for a newer seal that is not good, OSError where the folder cannot be changed.
    """
    await finish_begun_epochs(engine, seals)
    async with engine.pool.connection() as connection:
        superseded = await find_superseded_seals(connection, seals)
    epoch = await start_epoch(
        engine,
        identity,
        reason=reason,
        restored_to=restored_to,
        lost_until=lost_until,
        superseded_seals=superseded,
    )
    await asyncio.to_thread(move_superseded_seals, seals, [epoch])
    return epoch


async def finish_begun_epochs(engine: Engine, seals: Path) -> Epoch | None:
    """Finish what interrupted runs have left, and return the newest epoch where they had left anything."""
    lacked = await finish_epochs(engine)
    async with engine.pool.connection() as connection:
        epochs = await read_epochs(connection)
    moved = await asyncio.to_thread(move_superseded_seals, seals, epochs)
    return epochs[-1] if lacked is not None or moved else None


async def begin_epoch_by_hand(
    engine: Engine, seals: Path, *, reason: str, restored_to: int | None = None
) -> EpochBegun:
    """Begin a new epoch, or finish the one that an interrupted run has left; raises as ``begin_epoch``."""
    unfinished = await finish_begun_epochs(engine, seals)
    if unfinished is not None:
        return EpochBegun(unfinished, was_interrupted=True)
    identity = secrets.token_bytes(IDENTITY_BYTES)
    return EpochBegun(
        await begin_epoch(engine, seals, identity, reason=reason, restored_to=restored_to), was_interrupted=False
    )
