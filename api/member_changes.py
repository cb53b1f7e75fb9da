"""Changing what a membership is: frozen, unfrozen, closed, merged, moved. The API and the pages share it."""

from api.posting_answers import Answered, Shown, shown
from api.requests import refuse_key
from api.wiring import Wiring
from ledger.rules.commands import Close, Freeze, Merge, Move, Unfreeze
from ledger.rules.outcomes import Posted
from ledger.rules.programmes import LEDGER_ITSELF

MemberChangeCommand = Freeze | Unfreeze | Close | Merge | Move


async def change_member(
    wiring: Wiring, owner: str, idempotency_key: str, command: MemberChangeCommand
) -> Shown | Answered:
    """Submit the command; the transaction that it became, or the refusal, the same for every repeat of the key."""
    refuse_key(idempotency_key)
    submission = await wiring.engine.intake.prepare(
        LEDGER_ITSELF,
        idempotency_key,
        command,
        owner=owner,
        # Whoever may close an account may read it.
        shows_balance=isinstance(command, Close),
    )
    outcome = await wiring.engine.posters.submit(submission)
    if isinstance(outcome, Posted) and isinstance(command, Merge | Move):
        wiring.forget()
    return await shown(wiring, outcome)
