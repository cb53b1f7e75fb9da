"""The receiver of a partner's webhook: it keeps the ids of what came with a good signature, and answers 204."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from standardwebhooks.webhooks import WebhookVerificationError

from tests.webhooks.receiver import Received, Receiver

TAKEN, REFUSED = 204, 400
POLL_SECONDS = 0.5


class Deliveries:
    """A receiver at work; a context manager. Give it the secret before the first event."""

    def __init__(self) -> None:
        self._receiver = Receiver(answer=self._take)
        self._lock = threading.Lock()
        self._arrived: set[str] = set()
        self.unverified = 0
        self.secret = ""

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._receiver.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._receiver.url

    def arrived(self) -> frozenset[str]:
        """The ids of the events that have come."""
        with self._lock:
            return frozenset(self._arrived)

    def wait_for(self, wanted: Callable[[], set[str]], limit_seconds: float) -> None:
        """Wait until all that is wanted has come, but no longer than the limit."""
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline and not wanted() <= self.arrived():
            time.sleep(POLL_SECONDS)

    def _take(self, received: Received) -> int:
        try:
            event = received.verified_by(self.secret)
        except WebhookVerificationError:
            event = None
        with self._lock:
            # An hour of bodies would fill the memory.
            self._receiver.received.clear()
            if event is None:
                self.unverified += 1
                return REFUSED
            self._arrived.add(event["id"])
        return TAKEN
