"""The first page of the operator's: is all well, and how much is being posted."""

import msgspec
from litestar import Response, get

from api.pages import formats
from api.pages.guards import OPERATION_READERS, for_staff
from api.pages.operator.health_checks import FAILED, Checks
from api.pages.operator.health_facts import Facts, read_facts
from api.pages.operator.health_texts import HEALTH
from api.pages.operator.operator_view import OperatorView, operator_page, operator_view
from api.requests import CityRequest
from ledger.reading.operation import JobState
from ledger.rules.business_day import to_datetime, zone

BAR_HEIGHT, BAR_STEP = 100, 20
_MILLISECONDS = 1_000


class Bar(msgspec.Struct, frozen=True):
    """An hour in the chart, which counts pixels from the top left."""

    hour: str
    count: int
    x: int
    y: float
    height: float


class JobRow(msgspec.Struct, frozen=True):
    """A job as the page shows it; ``how`` is the key of how it ended."""

    name: str
    last: str
    how: str
    tone: str
    outcome: str
    next_run: str


@get("/", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def overview_page(request: CityRequest) -> Response[str]:
    """Say whether all is well, and what to do where it is not."""
    view = await operator_view(request)
    facts = await read_facts(request, view)
    checks = Checks(facts, view).every()
    words = view.words(HEALTH)
    wrong = sum(check.tone in {"warn", "bad"} for check in checks)
    return operator_page(
        request,
        view,
        "overview",
        texts=HEALTH,
        checks=checks,
        summary=words["not_well"].format(count=wrong) if wrong else words["all_well"],
        is_well=not wrong,
        note=words["times_note"].format(zone=view.zone, now=view.moment(facts.now)),
        posting=facts.posting,
        measured=facts.measured,
        within=[_within(seconds, words) for seconds in facts.measured.within],
        bars=_bars(facts, view),
        jobs=[_job(job, view) for job in facts.jobs],
    )


def _within(seconds: float | None, words: dict[str, str]) -> str:
    if seconds is None:
        return words["beyond"]
    return words["seconds"].format(number=formats.number(round(seconds * _MILLISECONDS)))


def _bars(facts: Facts, view: OperatorView) -> list[Bar]:
    largest = max(count for _, count in facts.posting.hours) or 1
    bars = []
    for number, (start, count) in enumerate(facts.posting.hours):
        height = round(count / largest * BAR_HEIGHT, 1)
        hour = f"{to_datetime(start).astimezone(zone(view.zone)):%H:%M}"
        bars.append(Bar(hour, count, number * BAR_STEP, BAR_HEIGHT - height, height))
    return bars


def _job(job: JobState, view: OperatorView) -> JobRow:
    outcome = job.last_outcome or ""
    how, tone = ("job_failed", "bad") if outcome.startswith(FAILED) else ("job_ended", "good")
    if job.last_finished_at is None:
        how, tone = "job_waits", "plain"
    return JobRow(job.job, view.moment(job.last_finished_at), how, tone, outcome, view.moment(job.next_run_at))
