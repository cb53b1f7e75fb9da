"""The steps of a batch as forms: each says what it will do and asks, then takes the same step as over HTTP."""

import secrets
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from api.pages.finance.batch_texts import BATCHES, STATES
from api.pages.finance.batches import batch_view
from api.pages.finance.days import KEY_BYTES
from api.pages.finance.finance_view import FinanceView, finance_page
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.finance.refusals import refusal, taken
from api.pages.finance.step_texts import STEPS
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form
from api.requests import CityRequest
from api.schemas.proposals import DecisionSent
from api.settlement_steps import BatchStep, take_step
from ledger.errors import NotFound
from settlement import approval
from settlement.batches import TRANSITIONS, Batch
from settlement.payments import instruct
from settlement.store.money_rows import read_payments
from settlement.vocabulary import APPROVER, CLERK, MANAGER


class SentStep(msgspec.Struct, frozen=True, kw_only=True):
    """A form that came back: the reason typed, the key of what is wrong with it, or why the step was refused."""

    reason: str
    wrong: str | None = None
    status: int = HTTPStatus.UNPROCESSABLE_ENTITY
    refused: str | None = None


class Step(msgspec.Struct, frozen=True):
    """A step: what takes it, the state that it leads to, and the roles that may take it."""

    take: BatchStep
    state: str
    roles: frozenset[str]


_SETTLING = frozenset({CLERK, MANAGER})
_STEPS = {
    "submit": Step(approval.submit, "submitted", _SETTLING),
    "approve": Step(approval.approve, "approved", frozenset({APPROVER, MANAGER})),
    "cancel": Step(approval.cancel, "cancelled", frozenset({APPROVER, CLERK, MANAGER})),
    "instruct": Step(instruct, "instructed", _SETTLING),
    "close": Step(approval.close, "closed", _SETTLING),
}


@get("/batches/{batch:str}/{name:str}", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def ask_step_page(request: CityRequest, batch: FromPath[str], name: FromPath[str]) -> Response[str]:
    """Say what a step will do, and ask for it; where it cannot be taken, say why."""
    _step(name)
    view, found = await batch_view(request, batch)
    return await _ask(request, view, found, name)


@post("/batches/{batch:str}/{name:str}", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def take_step_form(request: CityRequest, batch: FromPath[str], name: FromPath[str]) -> Response[str] | Redirect:
    """Take a step under the form's key: sent twice, it is taken once."""
    fields = await own_form(request)
    step = _step(name)
    view, found = await batch_view(request, batch)
    reason = fields.get("reason", "").strip()
    try:
        data = msgspec.convert({"reason": reason}, DecisionSent)
    except msgspec.ValidationError:
        return await _ask(request, view, found, name, SentStep(reason=reason, wrong="reason_wrong"))
    refused = await taken(view, lambda: take_step(request, fields.get("key", ""), name, found.id, data, step.take))
    if refused is not None:
        # By now it may stand where somebody else has brought it.
        view, found = await batch_view(request, batch)
        sent = SentStep(reason=reason, status=refused.status, refused=refused.sentence)
        return await _ask(request, view, found, name, sent)
    return see_other(f"/finance/batches/{found.id}?done={step.state}")


def _step(name: str) -> Step:
    step = _STEPS.get(name)
    if step is None:
        raise NotFound("There is no such step.")
    return step


async def _ask(
    request: CityRequest, view: FinanceView, batch: Batch, name: str, sent: SentStep | None = None
) -> Response[str]:
    barred = (None if sent is None else sent.refused) or _barred(view, batch, name)
    async with view.wiring.engine.pool.connection() as connection:
        payments = await read_payments(connection, batch.id)
    return finance_page(
        request,
        view,
        "step",
        texts={**BATCHES, **STATES, **REFUSALS, **STEPS},
        status_code=HTTPStatus.OK if sent is None else sent.status,
        back=f"/finance/batches/{batch.id}",
        batch=batch,
        step=name,
        barred=barred,
        reason=None if sent is None else sent.reason,
        wrong=None if sent is None else sent.wrong,
        planned=[one for one in payments if one.state == "planned"],
        paid_parties=sum(net > 0 for net in batch.figures.nets.values()),
        asked_parties=sum(net < 0 for net in batch.figures.nets.values()),
        key=secrets.token_urlsafe(KEY_BYTES),
    )


def _barred(view: FinanceView, batch: Batch, name: str) -> str | None:
    """Why the step cannot be taken by who looks, as far as it can be seen before."""
    step = _step(name)
    if view.person.roles.isdisjoint(step.roles):
        return refusal(view, "forbidden", HTTPStatus.FORBIDDEN, {}).sentence
    if batch.state not in TRANSITIONS[step.state]:
        return refusal(view, "batch-not-in-state", HTTPStatus.CONFLICT, {"state": batch.state}).sentence
    if name == "approve" and view.person.name in batch.prepared_by:
        return refusal(view, "second-person-required", HTTPStatus.FORBIDDEN, {}).sentence
    return None
