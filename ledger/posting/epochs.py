"""Starting an epoch: its row first, which decides its number, then its beginning in each lane.

The order of steps makes every interruption harmless. Where a run was killed half-way, the next one finishes the
epoch in the lanes that lack it, since the beginning of an epoch in a lane has a key of its own. A later epoch begins
nowhere before the earlier ones have begun everywhere, so each lane has them in order.
"""

import asyncio

from ledger.errors import Busy
from ledger.ids import REQUEST_DIGEST_BYTES
from ledger.posting.engine import Engine
from ledger.rules.commands import StartEpoch, Submission
from ledger.rules.epochs import IDENTITY_BYTES, SupersededSeal, epoch_key, superseded_commitment
from ledger.rules.outcomes import KeyReused, Refused
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.epochs import Epoch, NewEpoch, add_epoch, read_epochs, read_lanes_without

RETRY_AFTER_SECONDS = 1


async def start_epoch(
    engine: Engine,
    identity: bytes,
    *,
    reason: str,
    restored_to: int | None = None,
    lost_until: int | None = None,
    superseded_seals: tuple[SupersededSeal, ...] = (),
) -> Epoch:
    """Start the next epoch in every lane, or finish the one of this identity; call it before anything else posts.

    ``identity`` is 16 bytes of chance, made once for each restored copy; with the same ones it may be called again,
    which then keeps what it was first called with. For the other fields see ``Epoch``. Raises ValueError for another
    length, Busy where others start epochs all the time, and what a poster raises: call it again then.
    """
    if len(identity) != IDENTITY_BYTES:
        raise ValueError(f"the identity of an epoch: got {len(identity)} bytes, wanted {IDENTITY_BYTES}")
    new = NewEpoch(
        identity=identity,
        reason=reason,
        restored_to=restored_to,
        lost_until=lost_until,
        superseded_seals=superseded_seals,
    )
    async with engine.pool.connection() as connection:
        epoch = await add_epoch(connection, new)
        if epoch is None:
            raise Busy("Other processes are starting epochs; try again.", retry_after_seconds=RETRY_AFTER_SECONDS)
    await finish_epochs(engine)
    return epoch


async def finish_epochs(engine: Engine) -> Epoch | None:
    """Begin every epoch, in order, in the lanes that lack it; returns the last that lacked one, None where none did."""
    async with engine.pool.connection() as connection:
        epochs = await read_epochs(connection)
    finished = None
    for epoch in epochs:
        if await _begin(engine, epoch):
            finished = epoch
    return finished


async def _begin(engine: Engine, epoch: Epoch) -> bool:
    async with engine.pool.connection() as connection:
        lanes = await read_lanes_without(connection, epoch.number)
    outcomes = await asyncio.gather(*(engine.posters.submit(_beginning(epoch, lane)) for lane in lanes))
    for outcome in outcomes:
        if isinstance(outcome, Refused | KeyReused):
            raise TypeError(f"the beginning of an epoch was refused: {outcome}")
    return bool(lanes)


def _beginning(epoch: Epoch, lane: int) -> Submission:
    identity = epoch.identity.hex()
    key = epoch_key(epoch.number, identity, lane)
    return Submission(
        command=StartEpoch(
            number=epoch.number,
            identity=identity,
            superseded_seals=superseded_commitment(epoch.superseded_seals),
        ),
        partner=LEDGER_ITSELF,
        key_digest=key,
        request_digest=key[:REQUEST_DIGEST_BYTES],
        lane=lane,
    )
