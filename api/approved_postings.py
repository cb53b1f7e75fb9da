"""From an approved correction to its posting, and what callers are shown of approvals.

The posting's key is derived from the approval. So approving again, or going on after a crash between posting
and noting it, finds the same transaction.
"""

from typing import Literal
from uuid import UUID

from api.answers import rfc3339
from api.posting_answers import Answered, Shown, shown, shown_before
from api.schemas.corrections import ApprovalAnswer, CorrectionAnswer
from api.wiring import Wiring
from ledger.errors import NotFound
from ledger.ids import Place
from ledger.reading.transactions import find_by_key
from ledger.rules.commands import Adjust, WriteOff
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.approvals import Approval, Correction, approve, end_approval, read_approval
from ledger.store.unit_of_work import unit_of_work

_POSTING_KEY = "posting"


async def approve_and_post(wiring: Wiring, person: str, approval: UUID) -> Shown | Answered:
    """Approve what another person asked for, and post it; again it is the same transaction.

    Raises NotFound, SecondPersonRequired, ApprovalDecided for what was rejected, and what a poster raises.
    """
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        await approve(connection, approval, person)
        approved = await read_approval(connection, approval)
    return await post_approved(wiring, approved)


async def post_approved(wiring: Wiring, approval: Approval) -> Shown | Answered:
    """Post an approved correction, or show what became of it; raises what a poster raises."""
    owner = f"a:{approval.approval_id}"
    if approval.state != "approved" or approval.correction is None:
        async with wiring.engine.pool.connection() as connection:
            record = await find_by_key(connection, wiring.engine.key, owner, _POSTING_KEY)
        if record is None:
            raise NotFound("What was asked for has been erased.")
        return await shown_before(wiring, record)
    command = command_of(approval.operation, approval.correction, str(approval.approval_id))
    submission = await wiring.engine.intake.prepare(LEDGER_ITSELF, _POSTING_KEY, command, owner=owner)
    found = await shown(wiring, await wiring.engine.posters.submit(submission))
    place = None if isinstance(found, Answered) else Place(found.view.lane, found.view.sequence)
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        await end_approval(connection, approval, place)
    return found


def command_of(operation: str, correction: Correction, approval: str) -> Adjust | WriteOff:
    """The command that a correction asks for, under an approval."""
    if operation == "write-off":
        return WriteOff(
            programme=correction.programme,
            member=correction.member,
            points=correction.points,
            approval=approval,
            reason=correction.reason,
        )
    return Adjust(
        programme=correction.programme,
        member=correction.member,
        partner=correction.partner or "",
        points=correction.points or 0,
        takes=correction.takes,
        approval=approval,
        reason=correction.reason,
    )


async def approval_answer(wiring: Wiring, approval: Approval, *, shows_reasons: bool) -> ApprovalAnswer:
    """An approval as staff see it; without reasons where the answer is kept for ever."""
    return ApprovalAnswer(
        id=str(approval.approval_id),
        operation=approval.operation,
        state=approval.state,
        correction=_correction_answer(approval, shows_reasons=shows_reasons),
        requested_by=approval.requested_by,
        requested_at=rfc3339(approval.requested_at),
        decided_by=approval.decided_by,
        decided_at=None if approval.decided_at is None else rfc3339(approval.decided_at),
        transaction=None if approval.place is None else (await wiring.view(approval.place)).id,
    )


def _correction_answer(approval: Approval, *, shows_reasons: bool) -> CorrectionAnswer | None:
    correction = approval.correction
    if correction is None:
        return None
    direction: Literal["give", "take"] = "take" if correction.takes else "give"
    return CorrectionAnswer(
        programme=correction.programme,
        member=correction.member,
        partner=correction.partner,
        points=correction.points,
        direction=direction if approval.operation == "adjust" else None,
        reason=correction.reason if shows_reasons else None,
        rejection_reason=correction.rejection_reason if shows_reasons else None,
    )


def approval_id_of(text: str) -> UUID:
    """The id that an address names; raises NotFound for what is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("No approval has this id.") from error
