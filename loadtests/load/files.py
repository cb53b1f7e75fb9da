"""A merchant's file under load: sent, asked for until it is worked off, each of its lines in the record."""

from collections.abc import Callable
from uuid import uuid4

import gevent
import msgspec

from loadtests.load.checks.evidence import IMPORT_LINE
from loadtests.load.records import Attempt, as_json, now
from loadtests.load.sending import Call, Sender
from loadtests.load.town import PROGRAMME, Shop

LINES = 12
MOST_POINTS = 200
LONGEST_WAIT_SECONDS = 60
POLL_SECONDS = 0.3
BOUNDARY = "part-of-a-file"
POSTED, NOT_ALL_POSTED = 201, 422

MAPPING = f"""
format = "csv"
programme = "{PROGRAMME}"
scene = "food"
[key]
column = "receipt"
[member]
column = "member"
by = "id"
[points]
column = "points"
"""


class _Import(msgspec.Struct, frozen=True):
    """How far an import has come."""

    id: str
    state: str
    posted: int


_import = msgspec.json.Decoder(_Import).decode


def import_file(sender: Sender, shop: Shop, member: Callable[[], str]) -> None:
    """Send a file, each line for the ``member`` drawn, and see it through; its lines are recorded whatever comes."""
    lines = [(f"line-{uuid4().hex}", member(), sender.chance.randint(1, MOST_POINTS)) for _ in range(LINES)]
    sent = now()
    seen: Attempt | None = None
    try:
        seen = _see_through(sender, shop, lines)
    finally:
        sender.record_all(_line(shop, line, sent, seen) for line in lines)


def _see_through(sender: Sender, shop: Shop, lines: list[tuple[str, str, int]]) -> Attempt | None:
    """Wait until the import is over; gives the answer that said so, None where there was none."""
    received = sender.insist(_upload(shop, lines))
    if received is None or not received.is_good:
        return None
    path = f"/v1/imports/{_import(received.answer).id}"
    asked = Call(kind="import-state", by=shop.code, bearer=shop.key, path=path, method="GET")
    deadline = now() + LONGEST_WAIT_SECONDS * 1_000_000_000
    while now() < deadline:
        gevent.sleep(POLL_SECONDS)
        state = sender.send(asked)
        if state.is_good and _import(state.answer).state not in {"waiting", "running"}:
            return state
    return None


def _upload(shop: Shop, lines: list[tuple[str, str, int]]) -> Call:
    file = "receipt,member,points\r\n" + "".join(f"{key},{member},{points}\r\n" for key, member, points in lines)
    form = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="till.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n{file}\r\n"
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="mapping"; filename="mapping.toml"\r\n'
        f"Content-Type: application/toml\r\n\r\n{MAPPING}\r\n--{BOUNDARY}--\r\n"
    )
    return Call(
        kind="import",
        by=shop.code,
        bearer=shop.key,
        path="/v1/imports",
        body=msgspec.Raw(form.encode()),
        media_type=f"multipart/form-data; boundary={BOUNDARY}",
        is_body_recorded=False,
    )


def _line(shop: Shop, line: tuple[str, str, int], sent: int, seen: Attempt | None) -> Attempt:
    """A line's own attempt: answered when its import was seen to be over, and good only if that posted all lines."""
    key, member, points = line
    attempt = Attempt(kind=IMPORT_LINE, by=shop.code, path="/v1/imports", sent=sent, key=key, is_cut=seen is None)
    attempt.body = as_json({"member": member, "points": points})
    if seen is not None:
        attempt.answered, attempt.answer = seen.answered, seen.answer
        attempt.status = POSTED if _import(seen.answer).posted == LINES else NOT_ALL_POSTED
    return attempt
