"""When a job is due again: pure; instants are microseconds since 1970 UTC."""

from datetime import UTC, datetime, timedelta

import msgspec

from ledger.rules.business_day import to_instant

MICROSECONDS = 1_000_000


class Every(msgspec.Struct, frozen=True):
    """So many seconds after the last run has ended."""

    seconds: int

    def after(self, now: int) -> int:
        """The next time after an instant."""
        return now + self.seconds * MICROSECONDS


class Daily(msgspec.Struct, frozen=True):
    """Once a day at a time of day in UTC."""

    hour: int
    minute: int = 0

    def after(self, now: int) -> int:
        """The next time after an instant."""
        moment = datetime.fromtimestamp(now // MICROSECONDS, UTC)
        today = moment.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        return to_instant(today if today > moment else today + timedelta(days=1))


Schedule = Every | Daily
