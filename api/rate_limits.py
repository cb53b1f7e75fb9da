"""Rate limits, in the words of the RateLimit header fields (draft-ietf-httpapi-ratelimit-headers).

Each process counts for itself: with several workers a caller gets up to so many times the quota.
"""

import time
from collections.abc import Callable

from litestar.exceptions import TooManyRequestsException

MAXIMUM_COUNTED = 10_000


class RateLimit:
    """A quota for each caller in fixed windows of time."""

    def __init__(self, name: str, quota: int, window_seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._quota = quota
        self._window_seconds = window_seconds
        self._clock = clock
        self._window = 0
        self._used: dict[str, int] = {}

    def take(self, caller: str) -> dict[str, str]:
        """Count a request and return the headers that tell what is left; raises TooManyRequestsException."""
        now = self._clock()
        window = int(now // self._window_seconds)
        if window != self._window or len(self._used) >= MAXIMUM_COUNTED:
            self._window, self._used = window, {}
        used = self._used.get(caller, 0) + 1
        seconds_left = max(1, round((window + 1) * self._window_seconds - now))
        if used > self._quota:
            raise TooManyRequestsException(
                f"{self._quota} {self._name} in {self._window_seconds} seconds were used up.",
                headers={**self._headers(0, seconds_left), "Retry-After": str(seconds_left)},
            )
        self._used[caller] = used
        return self._headers(self._quota - used, seconds_left)

    def _headers(self, rest: int, seconds_left: int) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{self._name}";q={self._quota};w={self._window_seconds}',
            "RateLimit": f'"{self._name}";r={rest};t={seconds_left}',
        }
