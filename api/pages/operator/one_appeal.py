"""One appeal: what the member says, what was done, the decision, and what follows an upheld one."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.appealing import (
    Decision,
    answer_appeal,
    appeal_id_of,
    is_fit,
    plain_text,
    propose_giving_back,
)
from api.approved_postings import approve_and_post
from api.member_changes import change_member
from api.pages import formats
from api.pages.frame import see_other
from api.pages.guards import APPEAL_READERS, for_staff, own_form
from api.pages.operator.appeal_texts import STAFF_APPEALS
from api.pages.operator.appeal_views import appeal_row, original_of, partner_name, reason_given, status_of
from api.pages.operator.appeals import LISTED
from api.pages.operator.operator_view import OperatorView, operator_page, operator_view
from api.pages.portal.explanations import explanation
from api.posting_answers import Answered
from api.requests import CityRequest, refuse_key
from ledger.errors import ApprovalDecided, IdempotencyKeyReused, NotAppealable, SecondPersonRequired
from ledger.rules.commands import Unfreeze
from ledger.store.appeals import MOST_CHARACTERS, Appeal, Verdict, read_appeal
from ledger.store.approvals import read_approval
from ledger.store.credentials import StaffRole
from ledger.store.ledger_row import read_clock

DECIDERS: tuple[StaffRole, ...] = ("operator", "support")
_VERDICTS: Mapping[str, Verdict] = {"upheld": "upheld", "rejected": "rejected"}
_KEY_BYTES = 18


class _Typed(msgspec.Struct, frozen=True):
    """What was typed and could not be taken; ``wrong`` is the key of why, ``said`` that of what to say above all."""

    answer: str = ""
    verdict: str = ""
    wrong: str | None = None
    said: str | None = None
    status: HTTPStatus = HTTPStatus.OK


@get("/appeals/{appeal:str}", include_in_schema=False, before_request=for_staff(*APPEAL_READERS))
async def appeal_page(request: CityRequest, appeal: FromPath[str], done: FromQuery[str | None] = None) -> Response[str]:
    """Show an appeal with the transaction and why it was made."""
    view = await operator_view(request)
    return await _page(request, view, await _read(view, appeal), _Typed(), is_done=done is not None)


@post("/appeals/{appeal:str}", include_in_schema=False, before_request=for_staff(*DECIDERS))
async def decide_by_form(request: CityRequest, appeal: FromPath[str]) -> Response[str] | Redirect:
    """Answer the member, once however often the form is sent; where somebody else was first, say so."""
    fields = await own_form(request)
    view = await operator_view(request)
    found = await _read(view, appeal)
    answer, verdict = plain_text(fields.get("answer", "")), _VERDICTS.get(fields.get("verdict", ""))
    key = fields.get("key", "")
    refuse_key(key)
    wrong = None if is_fit(answer) else "answer_wrong"
    if wrong is not None or verdict is None:
        said = "verdict_wrong" if verdict is None else None
        typed = _Typed(answer, verdict or "", wrong, said, HTTPStatus.UNPROCESSABLE_ENTITY)
        return await _page(request, view, found, typed)
    try:
        decision = Decision(verdict, answer)
        decided = await answer_appeal(view.wiring, view.person, view.owner, key, found.appeal_id, decision)
        is_taken = decided.status_code == HTTPStatus.CREATED
    except IdempotencyKeyReused:
        is_taken = False
    if is_taken:
        return see_other(f"/operator/appeals/{found.appeal_id}?done=yes")
    typed = _Typed(said="decided_before", status=HTTPStatus.CONFLICT)
    return await _page(request, view, await _read(view, appeal), typed)


@post("/appeals/{appeal:str}/proposal", include_in_schema=False, before_request=for_staff(*DECIDERS))
async def propose_by_form(request: CityRequest, appeal: FromPath[str]) -> Redirect:
    """Propose to give the points back; again it is the same proposal."""
    await own_form(request)
    view = await operator_view(request)
    await propose_giving_back(view.wiring, view.person, appeal_id_of(appeal))
    return see_other(f"/operator/appeals/{appeal_id_of(appeal)}?done=yes")


@post("/appeals/{appeal:str}/approval", include_in_schema=False, before_request=for_staff("operator"))
async def approve_by_form(request: CityRequest, appeal: FromPath[str]) -> Response[str] | Redirect:
    """Approve, as the second person, that the points are given back; sent twice, they are given back once."""
    await own_form(request)
    view = await operator_view(request)
    found = await _read(view, appeal)
    if found.approval_id is None:
        raise NotAppealable("Nobody has proposed to give points back for this appeal.")
    said = None
    try:
        if isinstance(await approve_and_post(view.wiring, view.person, found.approval_id), Answered):
            said = "approve_refused"
    except SecondPersonRequired:
        said = "approve_second"
    except ApprovalDecided:
        said = "approve_decided"
    if said is None:
        return see_other(f"/operator/appeals/{found.appeal_id}?done=yes")
    return await _page(request, view, found, _Typed(said=said, status=HTTPStatus.CONFLICT))


@post("/appeals/{appeal:str}/unfreeze", include_in_schema=False, before_request=for_staff(*DECIDERS))
async def unfreeze_by_form(request: CityRequest, appeal: FromPath[str]) -> Response[str] | Redirect:
    """Release the account whose appeal against its freeze was upheld."""
    fields = await own_form(request)
    view = await operator_view(request)
    found = await _read(view, appeal)
    if found.state != "upheld" or found.about != "freeze":
        raise NotAppealable("An account is released here for an appeal that was upheld.")
    command = Unfreeze(member=str(found.public_id), reason=f"appeal {found.appeal_id} upheld")
    answered = await change_member(view.wiring, view.owner, fields.get("key", ""), command)
    if isinstance(answered, Answered):
        return await _page(request, view, found, _Typed(said="unfreeze_refused", status=HTTPStatus.CONFLICT))
    return see_other(f"/operator/appeals/{found.appeal_id}?done=yes")


async def _read(view: OperatorView, appeal: str) -> Appeal:
    async with view.wiring.engine.pool.connection() as connection:
        return await read_appeal(connection, appeal_id_of(appeal))


async def _page(
    request: CityRequest, view: OperatorView, appeal: Appeal, typed: _Typed, *, is_done: bool = False
) -> Response[str]:
    taken = await view.wiring.view(appeal.place)
    async with view.wiring.engine.pool.connection() as connection:
        now = await read_clock(connection)
        reason = await reason_given(connection, appeal.place)
        approval = None if appeal.approval_id is None else await read_approval(connection, appeal.approval_id)
    row = await appeal_row(appeal, view, now)
    words, most = view.words(STAFF_APPEALS), formats.number(MOST_CHARACTERS)
    wrong = None if typed.wrong is None else words[typed.wrong].format(most=most, count=len(typed.answer))
    return operator_page(
        request,
        view,
        "appeal",
        texts=LISTED,
        status_code=typed.status,
        back=f"/operator/appeals/{appeal.appeal_id}",
        appeal=appeal,
        row=row,
        taken=taken,
        when=view.moment(taken.occurred_at),
        why=explanation(taken, view.language, partner_name(taken, view)),
        reason=reason,
        original=await original_of(taken, view),
        status=await status_of(appeal, view),
        decided=view.moment(appeal.decided_at),
        approval=approval,
        may_approve=approval is not None and view.may_change and approval.requested_by != view.person,
        **{name: words[name].format(points=formats.number(row.points)) for name in ("propose", "approve")},
        may_decide=view.may_answer,
        typed=typed.answer,
        verdict=typed.verdict,
        wrong=wrong,
        said=typed.said,
        is_done=is_done,
        note=words["answer_note"].format(most=most),
        most=MOST_CHARACTERS,
        key=secrets.token_urlsafe(_KEY_BYTES),
    )
