"""Adding caps and granting them points, or money, for HTTP and the command line alike."""

from ledger.posting.engine import Engine
from ledger.rules.commands import GrantCap, GrantCover
from ledger.rules.outcomes import Outcome
from ledger.rules.programmes import LEDGER_ITSELF

_FIRST_GRANT = "first-grant"


async def grant_first(engine: Engine, cap: str, points: int) -> Outcome:
    """Post the first grant of a cap, which is one for ever: after a crash the same request finishes it."""
    return await grant(engine, cap, points, owner=f"c:{cap}", idempotency_key=_FIRST_GRANT)


async def grant(
    engine: Engine, cap: str, points: int, *, owner: str, idempotency_key: str, reason: str | None = None
) -> Outcome:
    """Post more points for a cap; raises what a poster raises."""
    command = GrantCap(cap=cap, points=points, reason=reason)
    submission = await engine.intake.prepare(LEDGER_ITSELF, idempotency_key, command, owner=owner)
    return await engine.posters.submit(submission)


async def grant_cover(
    engine: Engine,
    cover: str,
    amount: int,
    *,
    owner: str,
    idempotency_key: str,
    takes: bool = False,
    reason: str | None = None,
) -> Outcome:
    """Post what is added to a cover, or taken from it, in 1/10,000 of the currency; raises what a poster raises.

    It is refused as ``cover-in-use`` where more is to be taken than is left.
    """
    command = GrantCover(cap=cover, amount=amount, takes=takes, reason=reason)
    submission = await engine.intake.prepare(LEDGER_ITSELF, idempotency_key, command, owner=owner)
    return await engine.posters.submit(submission)
