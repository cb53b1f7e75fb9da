"""The finance people of a load test: they close the day and settle it while everybody posts, and pay by a bank."""

import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import msgspec

from ledger.rules.business_day import to_instant
from loadtests.load.checks.evidence import ClockSet
from loadtests.load.order import Span
from loadtests.load.plan import Plan
from loadtests.load.records import SUFFIX, Attempt, RecordFile, as_json, as_raw, now
from loadtests.load.settled import Batch, Settled
from loadtests.load.town import PROGRAMME, Office, Staff
from tests.settlement.mock_bank import MockBank, MockBankFailed

FIRST_DAY = date(2026, 11, 23)
"""A Monday: the bank's next four days are banking days."""

MOST_DAYS = 4
SECONDS_PER_DAY = 600
ZONE = ZoneInfo("Asia/Shanghai")
OPENED_AT, SETTLED_AT = "20:00", "09:00"
HOUSE = "HOUSE"
HOUSE_MINOR = 1_000_000_000_00
REQUEST_TIMEOUT_SECONDS = 60
MOST_ATTEMPTS = 20
RETRY_SECONDS = 0.5
FIRST_GOOD, LAST_GOOD = 200, 299


class FinanceFailed(RuntimeError):
    """A step of settlement was refused."""


def days_of(seconds: int) -> int:
    """How many business days a run has."""
    return max(1, min(MOST_DAYS, seconds // SECONDS_PER_DAY))


def opening(day: date = FIRST_DAY) -> str:
    """When the evening of a day begins."""
    return _moment(day, OPENED_AT).isoformat()


class Finance:
    """A clerk and an approver, with the bank. Every step is sent twice with one key, as after a lost answer.

    ``expire`` posts what has lapsed, after each change of the clock, and gives the exit code.
    """

    def __init__(self, plan: Plan, office: Office, bank: MockBank, expire: Callable[[], int]) -> None:
        self._plan = plan
        self._office = office
        self._bank = bank
        self._expire = expire
        self._staff: Staff = office.staff
        self._record = RecordFile(plan.records / f"finance{SUFFIX}")
        self._client = httpx.Client(base_url=plan.town.url, timeout=REQUEST_TIMEOUT_SECONDS)
        self.settled: list[Settled] = []
        self.clock: list[ClockSet] = []
        self.failure = ""

    def close(self) -> None:
        """Write nothing more."""
        self._record.close()
        self._client.close()

    def work(self, begun: int, cut_offs: list[float], is_over: threading.Event) -> None:
        """At each cut-off (a part of the run) let the day end, and settle it; where that fails, ``failure`` says why.

        ``begun`` is the machine's clock (ns) when the clients began; ends early where ``is_over`` is set.
        """
        try:
            self._settle_days(begun, cut_offs, is_over)
        except (FinanceFailed, MockBankFailed, httpx.HTTPError, msgspec.DecodeError) as error:
            self.failure = f"{type(error).__name__}: {error}"

    def _settle_days(self, begun: int, cut_offs: list[float], is_over: threading.Event) -> None:
        for number, part in enumerate(cut_offs):
            wait = begun / 1e9 + part * self._plan.seconds - time.monotonic()
            if is_over.wait(max(0.0, wait)):
                return
            self._settle(FIRST_DAY + timedelta(days=number))

    def _settle(self, day: date) -> None:
        """Settle a day from its close to the closed batch."""
        self._set_clock(_moment(day + timedelta(days=1), SETTLED_AT))
        if self._expire() != 0:
            raise FinanceFailed("citypoints expire did not end well")
        before = self._bank.balance_minor(HOUSE)
        self._step("close-day", f"/v1/settlement-days/{PROGRAMME}/{day}/close", None)
        run = self._step("run", "/v1/settlement-batches", {"programme": PROGRAMME, "through": day.isoformat()})
        path = f"/v1/settlement-batches/{msgspec.json.decode(run.answer)['id']}"
        self._step("submit", f"{path}/submit", {"reason": "agrees with the partners' books"})
        self._step("approve", f"{path}/approve", {"reason": "checked"}, is_approver=True)
        self._step("instruct", f"{path}/instruct", {"reason": "pay"})
        file = self._insist("payment-file", lambda: self._exchange("payment-file", "GET", f"{path}/payment-file"))
        self._bank.send(msgspec.json.decode(file.answer, type=str).encode())
        self._bank.advance(days=1)
        for content in self._bank.messages("pain.002") + self._bank.messages("camt", HOUSE):
            self._read(content)
        self._step("close", f"{path}/close", {"reason": "all paid"})
        self._keep(path, day, before - self._bank.balance_minor(HOUSE))

    def _set_clock(self, moment: datetime) -> None:
        sent = now()
        self._office.set_clock(moment.isoformat())
        self.clock.append(ClockSet(to_instant(moment), Span(sent, now())))

    def _keep(self, path: str, day: date, paid_minor: int) -> None:
        seen = self._insist("batch", lambda: self._exchange("batch", "GET", path))
        batch = msgspec.json.decode(seen.answer, type=Batch)
        begins = 0 if day == FIRST_DAY else to_instant(_moment(day, "00:00"))
        ends = to_instant(_moment(day + timedelta(days=1), "00:00"))
        self.settled.append(Settled(batch, begins, ends, paid_minor))

    def _step(self, kind: str, path: str, body: object, *, is_approver: bool = False) -> Attempt:
        key = str(uuid4())

        def send() -> Attempt:
            return self._exchange(kind, "POST", path, key, as_json(body), is_approver=is_approver)

        first = self._insist(kind, send)
        self._insist(kind, send)
        return first

    def _read(self, content: bytes) -> None:
        key = str(uuid4())
        self._insist("bank-file", lambda: self._exchange("bank-file", "POST", "/v1/bank-files", key, content))

    def _insist(self, kind: str, send: Callable[[], Attempt]) -> Attempt:
        attempt = send()
        for _ in range(MOST_ATTEMPTS):
            if attempt.is_done:
                break
            time.sleep(RETRY_SECONDS)
            attempt = send()
        if not attempt.is_good:
            raise FinanceFailed(f"{kind} was answered {attempt.status}: {bytes(attempt.answer).decode()}")
        return attempt

    def _exchange(
        self,
        kind: str,
        method: str,
        path: str,
        key: str | None = None,
        body: bytes | msgspec.Raw = b"",
        *,
        is_approver: bool = False,
    ) -> Attempt:
        bearer = self._staff.approver if is_approver else self._staff.clerk
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        person = "approver" if is_approver else "clerk"
        attempt = Attempt(kind=f"settle:{kind}", by=person, path=path, key=key, sent=now(), is_cut=True)
        try:
            answer = self._client.request(method, path, content=bytes(body), headers=headers)
        except httpx.TransportError:
            self._record.write([attempt])
            return attempt
        attempt.answered, attempt.status, attempt.is_cut = now(), answer.status_code, False
        attempt.answer = as_raw(answer.content)
        attempt.is_replay = "Idempotency-Replayed" in answer.headers
        self._record.write([attempt])
        return attempt


def _moment(day: date, time_of_day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time_of_day}").replace(tzinfo=ZONE)
