"""The clients' own record: one line of NDJSON for every attempt of a request, the only input of the checks."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec

NOTHING = msgspec.Raw(b"null")
SUFFIX = ".ndjson"


class Attempt(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A request that was sent once.

    ``by`` is the caller: a partner's code, a member's id or a person's name. ``sent`` and ``answered`` are read from
    the machine's one monotonic clock (ns). Where the client left before the answer, ``is_cut`` is true and there is
    no ``answered``. ``answer`` has the very bytes of the body. The lines of a bulk or a file are attempts of their own;
    ``whole`` is the key of the atomic bulk that an item was sent in.
    """

    kind: str
    by: str
    path: str
    sent: int
    key: str | None = None
    whole: str | None = None
    body: msgspec.Raw = NOTHING
    answered: int | None = None
    status: int = 0
    answer: msgspec.Raw = NOTHING
    is_replay: bool = False
    is_cut: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it was answered for good: posted, shown, or refused by a rule that is recorded."""
        return self.is_good or self.status in RECORDED_REFUSALS

    @property
    def is_good(self) -> bool:
        """Whether the answer was 2xx."""
        return FIRST_GOOD <= self.status <= LAST_GOOD


FIRST_GOOD, LAST_GOOD = 200, 299
RECORDED_REFUSALS = frozenset({403, 404, 409, 422})

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Attempt).decode


class RecordFile:
    """Writes the attempts of one process; each line goes out whole and at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, attempts: Iterable[Attempt]) -> None:
        """Write attempts that were answered or cut."""
        self._file.write(b"".join(_encode(attempt) + b"\n" for attempt in attempts))

    def close(self) -> None:
        """Write nothing more."""
        self._file.close()


def read_records(folder: Path) -> Iterator[Attempt]:
    """Every attempt that the clients of a run wrote into a folder; raises DecodeError for a line that is none."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as lines:
            for line in lines:
                yield _decode(line)


def as_raw(body: bytes) -> msgspec.Raw:
    """A body as it stands in the record: its very bytes where it is one line of JSON, else as text."""
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        return as_json(body.decode("utf-8", "replace"))
    return as_json(body.decode()) if b"\n" in body else msgspec.Raw(body)


def now() -> int:
    """The machine's monotonic clock in nanoseconds, the same for all its processes."""
    return time.monotonic_ns()


def as_json(body: object) -> msgspec.Raw:
    """A body that a client sends, as bytes of JSON."""
    return msgspec.Raw(_encode(body))


def decoded(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - whatever was sent or answered
    """The value behind the bytes of a body."""
    return msgspec.json.decode(raw)
