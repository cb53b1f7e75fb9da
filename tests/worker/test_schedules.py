"""When a job is due again."""

from datetime import UTC, datetime

from api.worker.schedules import Daily, Every
from ledger.rules.business_day import to_instant


def instant(text: str) -> int:
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_an_interval_counts_from_the_end_of_the_last_run() -> None:
    assert Every(90).after(instant("2026-11-24T10:00:00")) == instant("2026-11-24T10:01:30")


def test_a_time_of_day_comes_today_or_tomorrow_and_never_now() -> None:
    job = Daily(3, 30)
    assert job.after(instant("2026-12-31T03:29:59.999999")) == instant("2026-12-31T03:30:00")
    assert job.after(instant("2026-12-31T03:30:00")) == instant("2027-01-01T03:30:00")
    assert job.after(instant("2026-12-31T23:00:00")) == instant("2027-01-01T03:30:00")
