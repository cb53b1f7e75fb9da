"""When a failed delivery is tried again, and when a receiver counts as failing: pure, by seconds."""

import msgspec

MILLISECONDS = 1000


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often a receiver is tried.

    Delays double from ``first_delay_seconds`` up to ``longest_delay_seconds``, each stretched or shortened
    by up to ``jitter`` of itself, so that what failed together does not come back together. After
    ``give_up_seconds`` a delivery is dead, and a receiver that answered nothing well in that time is left
    alone. After ``failing_after`` failures in a row it gets one attempt at a time. ``lease_seconds`` is how
    long a claim lasts whose worker was killed; it is well above ``attempt_seconds``, the longest attempt.
    """

    first_delay_seconds: float = 5
    longest_delay_seconds: float = 6 * 60 * 60
    give_up_seconds: float = 3 * 24 * 60 * 60
    jitter: float = 0.2
    failing_after: int = 5
    in_flight: int = 8
    attempt_seconds: float = 10
    lease_seconds: int = 60

    def delay_milliseconds(self, failures: int, chance: float) -> int:
        """How long to wait after so many failures; ``chance`` is any number from 0 to 1."""
        doubled = self.first_delay_seconds * 2.0 ** min(failures - 1, 32)
        delay = min(doubled, self.longest_delay_seconds) * (1 + self.jitter * (2 * chance - 1))
        return round(delay * MILLISECONDS)

    def next_attempt_milliseconds(self, attempts: int, age_seconds: float, chance: float) -> int | None:
        """How long a delivery waits after its failed attempt; None where it is dead.

        ``age_seconds`` have passed since its first attempt. The last attempt is when the time is over.
        """
        left = round((self.give_up_seconds - age_seconds) * MILLISECONDS)
        return None if left <= 0 else min(self.delay_milliseconds(attempts, chance), left)

    def may_fly(self, failures: int) -> int:
        """How many deliveries may be on their way to a receiver at once."""
        return 1 if failures >= self.failing_after else self.in_flight

    def probe_after_milliseconds(self, failures: int, chance: float) -> int | None:
        """How long a receiver is left alone after so many failures in a row; None while it is not failing."""
        if failures < self.failing_after:
            return None
        return self.delay_milliseconds(failures - self.failing_after + 1, chance)
