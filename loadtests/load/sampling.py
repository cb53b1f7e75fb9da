"""The memory of the service's processes in the course of a run."""

import threading
from types import TracebackType
from typing import NamedTuple, Self

from loadtests.load.records import now
from loadtests.load.service import Service


class Sample(NamedTuple):
    """The resident memory (bytes) of each process, by its name, at a moment of the machine's clock (ns)."""

    at: int
    memory: dict[str, int]


class Sampler:
    """Looks every so often, in a thread of its own; a context manager."""

    def __init__(self, service: Service, every_seconds: float) -> None:
        self._service = service
        self._every_seconds = every_seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(self._every_seconds):
            self.samples.append(Sample(now(), self._service.memory()))
