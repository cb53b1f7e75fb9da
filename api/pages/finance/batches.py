"""The batches of a programme, the review screen of each, and running a new one."""

import secrets
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.demo.finance_texts import DEMO_FINANCE
from api.pages import formats
from api.pages.finance.batch_texts import BATCHES, STATES
from api.pages.finance.day_texts import DAYS
from api.pages.finance.days import KEY_BYTES, has_demo_steps, standing_of
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.finance.refusals import taken
from api.pages.finance.review import MOST_ROWS, Review, find_batch_of, read_review
from api.pages.finance.step_texts import STEPS
from api.pages.finance.who_pays import short, who_pays_whom
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form
from api.pages.statement_files import statement_file
from api.pages.texts import in_language
from api.requests import CityRequest
from api.schemas.settlement import RunSent
from api.settlement_access import sees_accounts
from api.settlement_steps import payment_file_of, run_once
from ledger.errors import NotFound
from settlement.batches import BY_BANK_FILES, NOTHING_TO_PAY, RETRIED, Batch, Step
from settlement.next_steps import Doing, OpenBatch, may_take
from settlement.store.batch_rows import read_batch_of_day, read_waiting_days
from settlement.store.day_rows import read_last_day
from settlement.store.money_rows import Notice
from settlement.store.review_rows import list_heads
from settlement.unusual import LEAST_MINOR, MUCH_MORE, RULES, USUAL_BATCHES
from settlement.vocabulary import APPROVER, CLERK, MANAGER

PAGE_BATCHES = 20
LONGEST_NAME = 60

_FORWARD: dict[str, Doing] = {"draft": "submit", "submitted": "approve", "approved": "instruct", "confirmed": "close"}
_ROUTINE = {NOTHING_TO_PAY: "reason_nothing_to_pay", BY_BANK_FILES: "reason_by_bank_files"}
_CANCELLING = frozenset({CLERK, MANAGER, APPROVER})
TONES = {
    "draft": "warn",
    "submitted": "warn",
    "approved": "warn",
    "confirmed": "good",
    "closed": "good",
    "cancelled": "plain",
    "rejected": "bad",
    "returned": "bad",
    "paid": "good",
}
"""The colours of states; what is under way has none."""


@get("/batches", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def batches_page(
    request: CityRequest, programme: FromQuery[str | None] = None, after: FromQuery[str | None] = None
) -> Response[str]:
    """List the batches, the last first."""
    view = await finance_view(request, programme)
    place = after if after is not None and len(after) <= LONGEST_NAME and "\0" not in after else None
    async with view.wiring.engine.pool.connection() as connection:
        heads = await list_heads(connection, view.programme.number, PAGE_BATCHES + 1, place)
    page = heads[:PAGE_BATCHES]
    return finance_page(
        request,
        view,
        "batches",
        texts={**BATCHES, **STATES},
        heads=page,
        tones=TONES,
        older=page[-1].id if len(heads) > PAGE_BATCHES else None,
        is_first=place is None,
    )


@get("/batches/{batch:str}", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def batch_page(request: CityRequest, batch: FromPath[str], done: FromQuery[str | None] = None) -> Response[str]:
    """Show everything that there is to look at before a batch is approved, and how far it is."""
    view, found = await batch_view(request, batch)
    review = await read_review(view, found, sees_accounts=sees_accounts(request))
    nets = found.figures.nets
    return finance_page(
        request,
        view,
        "batch",
        texts={**BATCHES, **STATES, **STEPS, **DEMO_FINANCE},
        batch=found,
        review=review,
        forward=forward(view, found),
        can_cancel=found.state in {"draft", "submitted"} and not view.person.roles.isdisjoint(_CANCELLING),
        now=_now(view, found, review),
        done=_done(view, found, done),
        reason_of=partial(_reason_of, view),
        can_pay_again=may_take(view.person, "pay-again"),
        has_file=any(row.payment.message_id for row in review.payments),
        picture=who_pays_whom(nets),
        short=short,
        rules=RULES,
        rule_facts={
            "least": formats.money(LEAST_MINOR, found.inputs.currency, view.language),
            "times": MUCH_MORE,
            "batches": USUAL_BATCHES,
        },
        most=MOST_ROWS,
        demo_bank=has_demo_steps(request, view) and waits_for_bank(found, review.notices),
        tones=TONES,
    )


def waits_for_bank(batch: Batch, notices: Sequence[Notice]) -> bool:
    """Whether a bank has still to tell of payments to parties, or of what parties pay in."""
    if batch.state in {"instructed", "partly_confirmed"}:
        return True
    return batch.state == "confirmed" and any(notice.state == "open" for notice in notices)


@get("/batches/{batch:str}/payment-file", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def payment_file(request: CityRequest, batch: FromPath[str]) -> Response[bytes]:
    """The payment file of a batch, the same bytes every time."""
    view, found = await batch_view(request, batch)
    answer = await payment_file_of(view.wiring, found.id)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@get(
    "/batches/{batch:str}/statements/{party:str}/{form:str}",
    include_in_schema=False,
    before_request=for_staff(*FINANCE_READERS),
)
async def party_statement_file(
    request: CityRequest, batch: FromPath[str], party: FromPath[str], form: FromPath[str]
) -> Response[bytes]:
    """A party's statement as PDF or workbook, in the reader's language."""
    view, found = await batch_view(request, batch)
    partner = view.registry.partner_coded(party)
    if partner is None:
        raise NotFound("The batch has no statement of such a party.")
    return await statement_file(request, found.id, partner.code, form)


@get("/run", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def ask_run_page(request: CityRequest, programme: FromQuery[str | None] = None) -> Response[str]:
    """Say what a batch would take, and ask for it."""
    return await _ask_run(request, await finance_view(request, programme))


@post("/run", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def run_form(request: CityRequest) -> Response[str] | Redirect:
    """Run a batch of all closed days that no batch has, and lead to it."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    refused = await taken(view, lambda: run_once(request, fields.get("key", ""), RunSent(view.programme.code)))
    if refused is not None:
        return await _ask_run(request, view, refused.status, refused.sentence)
    async with view.wiring.engine.pool.connection() as connection:
        last = await read_last_day(connection, view.programme.number)
        made = None if last is None else await read_batch_of_day(connection, view.programme.number, last)
    return see_other("/finance/batches" if made is None else f"/finance/batches/{made.id}?done=draft")


async def batch_view(request: CityRequest, name: str) -> tuple[FinanceView, Batch]:
    """A batch by its name, seen in its programme; raises NotFound."""
    view = await finance_view(request, None)
    found = None if len(name) > LONGEST_NAME or "\0" in name else await find_batch_of(view, name)
    if found is None:
        raise NotFound("No settlement batch has this name.")
    return await finance_view(request, found.inputs.programme), found


def forward(view: FinanceView, batch: Batch) -> Doing | None:
    """The step that brings a batch on, where the person who looks may take it."""
    doing = _FORWARD.get(batch.state)
    if doing is None or not may_take(view.person, doing, OpenBatch(batch.id, batch.state, batch.prepared_by)):
        return None
    return doing


def _now(view: FinanceView, batch: Batch, review: Review) -> tuple[str, dict[str, str]]:
    """What is said of where a batch stands."""
    if waiting := sum(row.waits for row in review.payments):
        return "now_came_back", {"count": formats.number(waiting)}
    last = batch.steps[-1]
    is_own = batch.state == "submitted" and view.person.name in batch.prepared_by
    said = {"person": view.called(batch.person_of(batch.state) or last.person), "reason": last.reason}
    return f"now_{batch.state}{'_own' if is_own else ''}", said


def _done(view: FinanceView, batch: Batch, state: str | None) -> tuple[str, str, str] | None:
    """What came of the form that led here: whether the step was this person's, or somebody was faster."""
    if state == "again" and any(step.reason.startswith(RETRIED) for step in batch.steps):
        return ("did_again", batch.state, "")
    person = None if state is None or f"did_{state}" not in BATCHES else batch.person_of(state)
    if state is None or person is None:
        return None
    return (f"did_{state}" if person == view.person.name else "did_other", state, view.called(person))


def _reason_of(view: FinanceView, step: Step) -> str:
    """Why a step was taken: as a person wrote it, or in the reader's language where nobody did."""
    texts = in_language(BATCHES, view.language)
    if step.reason in _ROUTINE:
        return texts[_ROUTINE[step.reason]]
    if step.reason.startswith(RETRIED):
        return f"{texts['pay_again']} {step.reason.removeprefix(RETRIED)}"
    return step.reason


async def _ask_run(
    request: CityRequest, view: FinanceView, status: int = HTTPStatus.OK, refusal: str | None = None
) -> Response[str]:
    async with view.wiring.engine.pool.connection() as connection:
        standing = await standing_of(connection, view)
        days = await read_waiting_days(connection, view.programme.number, standing.today)
    return finance_page(
        request,
        view,
        "run",
        texts={**DAYS, **REFUSALS},
        status_code=status,
        back=f"/finance?programme={view.programme.code}",
        days=days,
        may=may_take(view.person, "run"),
        refusal=refusal,
        key=secrets.token_urlsafe(KEY_BYTES),
    )
