"""Whether all is well, in sentences: each with a mark, and with what to do where it is not."""

from typing import Literal

import msgspec

from api.pages import formats
from api.pages.operator.health_facts import Facts
from api.pages.operator.health_texts import HEALTH
from api.pages.operator.operator_view import MICROSECONDS, OperatorView
from ledger.store.audits import Audited
from ledger.store.readiness import wanted_revision

Tone = Literal["good", "warn", "bad", "plain"]

ANSWER_WITHIN_DAYS = 15
"""How long an appeal may wait; the member is told so in working days, of which there are fewer."""

_HOUR, _DAY = 3_600, 86_400
AUDIT_DUE, FULL_AUDIT_DUE, SEAL_DUE, BASE_DUE = 2 * _DAY, 31 * _DAY, 2 * _DAY, 8 * _DAY
JOB_LATE, DELIVERY_LATE, HOLD_LATE = 600, 900, 2 * _HOUR
FEWEST_PARTITIONS = 2
LONG_QUEUE = 2_000
FAILED = "failed"


class Check(msgspec.Struct, frozen=True):
    """One sentence: ``name`` is its place on the page, ``to_do`` what helps where it is not good."""

    name: str
    tone: Tone
    sentence: str
    to_do: str | None = None
    places: tuple[str, ...] = ()
    link: str | None = None


class Checks:
    """Makes the sentences of one look at the service."""

    def __init__(self, facts: Facts, view: OperatorView) -> None:
        self._facts = facts
        self._view = view
        self._words = view.words(HEALTH)

    def every(self) -> list[Check]:
        """All of them, in the order in which somebody would ask."""
        return [
            self._database(),
            self._partitions(),
            self._daily_audit(),
            self._full_audit(),
            self._seal(),
            *self._backup(),
            self._jobs(),
            self._epoch(),
            self._queue(),
            self._holds(),
            self._deliveries(),
            self._appeals(),
        ]

    def _say(self, name: str, tone: Tone, key: str, *places: str, **values: int | str | None) -> Check:
        """A sentence by its key; where it is not good, what to do is the text ``<name>_do`` or ``<key>_do``."""
        shown = {
            field: formats.number(value) if isinstance(value, int) else value or "" for field, value in values.items()
        }
        to_do = None if tone == "good" else self._words.get(f"{key}_do") or self._words.get(f"{name}_do")
        link = "/operator/appeals" if name == "appeals" and tone != "good" else None
        return Check(name, tone, self._words[key].format(**shown), to_do, places, link)

    def _since(self, then: int | None, now: int) -> int:
        """Seconds since an instant."""
        return 0 if then is None else max(0, now - then) // MICROSECONDS

    def _database(self) -> Check:
        wanted = wanted_revision()
        is_there = self._facts.revision == wanted
        key = "database_good" if is_there else "database_bad"
        return self._say("database", "good" if is_there else "bad", key, revision=self._facts.revision, wanted=wanted)

    def _partitions(self) -> Check:
        ahead = self._facts.ahead
        tone: Tone = "bad" if ahead < 1 else "warn" if ahead < FEWEST_PARTITIONS else "good"
        return self._say("partitions", tone, f"partitions_{tone}", ahead=ahead)

    def _daily_audit(self) -> Check:
        """The latest audit of either kind."""
        last = max(self._facts.audits.values(), key=lambda audit: audit.finished_at, default=None)
        return self._audit("audit", last, AUDIT_DUE)

    def _full_audit(self) -> Check:
        return self._audit("full_audit", self._facts.audits.get("full"), FULL_AUDIT_DUE)

    def _audit(self, name: str, audit: Audited | None, due: int) -> Check:
        if audit is None:
            return self._say(name, "warn", f"{name}_never")
        seconds = self._since(audit.finished_at, self._facts.real_now)
        values: dict[str, int | str | None] = {
            "when": self._view.moment(audit.finished_at),
            "ago": self._view.length(seconds),
            "transactions": audit.transactions,
            "differences": audit.difference_count,
        }
        if audit.difference_count:
            return self._say(name, "bad", "audit_differs", *audit.places, **values)
        return (
            self._say(name, "warn", f"{name}_old", **values)
            if seconds > due
            else self._say(name, "good", f"{name}_good", **values)
        )

    def _seal(self) -> Check:
        seal = self._facts.seal
        if seal is None:
            return self._say("seal", "warn", "seal_never")
        seconds = self._since(seal.sealed_at, self._facts.now)
        tone: Tone = "warn" if seconds > SEAL_DUE else "good"
        values = {"when": self._view.moment(seal.sealed_at), "ago": self._view.length(seconds)}
        return self._say("seal", tone, f"seal_{tone}", last=str(seal.number), **values)

    def _backup(self) -> list[Check]:
        log, bases = self._facts.log, self._facts.bases
        if not log.is_on:
            return [self._say("log", "plain", "log_off")]
        when = self._view.moment(log.last_at)
        key = "log_bad" if log.fails else "log_good" if log.last_at is not None else "log_waits"
        checks = [self._say("log", "bad" if log.fails else "good", key, when=when)]
        if bases is None:
            return checks
        if not bases.is_readable:
            return [*checks, self._say("base", "plain", "base_unreadable")]
        if bases.newest_at is None:
            return [*checks, self._say("base", "warn", "base_never")]
        seconds = self._since(bases.newest_at, self._facts.real_now)
        tone: Tone = "warn" if seconds > BASE_DUE else "good"
        values = {"when": self._view.moment(bases.newest_at), "ago": self._view.length(seconds)}
        return [*checks, self._say("base", tone, f"base_{tone}", **values)]

    def _jobs(self) -> Check:
        now, jobs = self._facts.real_now, self._facts.jobs
        if not jobs:
            return self._say("jobs", "bad", "jobs_never")
        failed = [job.job for job in jobs if (job.last_outcome or "").startswith(FAILED)]
        if failed:
            return self._say("jobs", "bad", "jobs_failed", jobs=", ".join(failed))
        late = max(self._since(job.next_run_at, now) for job in jobs)
        if late > JOB_LATE:
            return self._say("jobs", "bad", "jobs_late", ago=self._view.length(late))
        return self._say("jobs", "good", "jobs_good", count=len(jobs))

    def _epoch(self) -> Check:
        epochs = self._facts.epochs
        if not epochs:
            return self._say("epoch", "good", "epoch_first")
        last = epochs[-1]
        when = self._view.moment(last.started_at)
        return self._say("epoch", "plain", "epoch_later", number=str(last.number + 1), when=when)

    def _queue(self) -> Check:
        queued = self._facts.measured.queued
        tone: Tone = "warn" if queued > LONG_QUEUE else "good"
        return self._say("queue", tone, f"queue_{tone}", queued=queued)

    def _holds(self) -> Check:
        holds = self._facts.holds
        seconds = self._since(holds.oldest_at, self._facts.now)
        tone: Tone = "warn" if seconds > HOLD_LATE else "good"
        key = f"holds_{tone}" if holds.count else "holds_none"
        return self._say("holds", tone, key, count=holds.count, ago=self._view.length(seconds))

    def _deliveries(self) -> Check:
        found = self._facts.deliveries
        late = self._since(found.next_at, self._facts.real_now)
        if found.waiting and late > DELIVERY_LATE:
            return self._say("deliveries", "warn", "deliveries_late", count=found.waiting, ago=self._view.length(late))
        if found.dead:
            return self._say("deliveries", "warn", "deliveries_dead", count=found.waiting, dead=found.dead)
        return self._say("deliveries", "good", "deliveries_good", count=found.waiting)

    def _appeals(self) -> Check:
        found = self._facts.appeals
        if not found.count:
            return self._say("appeals", "good", "appeals_none")
        seconds = self._since(found.oldest_at, self._facts.now)
        tone: Tone = "warn" if seconds > ANSWER_WITHIN_DAYS * _DAY else "plain"
        return self._say("appeals", tone, f"appeals_{tone}", count=found.count, ago=self._view.length(seconds))
