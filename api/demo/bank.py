"""The bank of the demo: the package mock-bank, run for real on a loopback port while a payment file is answered.

What it knows is kept in a file beside the ledger's data, so that its references never come twice. Nothing is asked of
it but what a bank would do: a payment file goes in; status reports, statements and receipts come out.
"""

import asyncio
import fcntl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from mockbank import Config, make_server

from api.demo.city import ZONE
from api.demo.contracts import HOUSE

HOUSE_CODE = "HOUSE"
OPENING_MINOR = 50_000_000_00
DAYS_TO_PAY = 4
"""Calendar days in which every payment is made, also over a weekend."""

TIMEOUT_SECONDS = 30.0
FOLDER = "demo-bank"

_LOOPBACK = "127.0.0.1"
_REFUSED = 422
_ACCEPTED = 202
_KINDS = ("pain.002", "camt.054", "camt.053", "pacs.004")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Money that somebody pays in; minor units. ``reference`` names what it is for."""

    payer: str
    amount_minor: int
    reference: str


class DemoBankFailed(RuntimeError):
    """The demo's bank did not do what a bank does."""


async def answers(folder: Path, now: datetime, files: Sequence[bytes], receipts: Sequence[Receipt]) -> list[bytes]:
    """Hand payment files in, have receipts paid in, and let the days pass; the bank's files, in the order to read them.

    ``now`` is the ledger's time. Files that were handed in before are known to the bank, and answered as repeated.
    """
    return await asyncio.to_thread(_answers, folder, now, files, receipts)


def _answers(folder: Path, now: datetime, files: Sequence[bytes], receipts: Sequence[Receipt]) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    # One process at a time: two would keep two clocks over one file.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _running(folder / "bank.db", now) as bank:
            before = len(_messages(bank))
            for file in files:
                answer = bank.post("/payments", content=file)
                if answer.status_code not in {_ACCEPTED, _REFUSED}:
                    raise DemoBankFailed(f"payments: {answer.status_code} {answer.text}")
            for receipt in receipts:
                credited = {
                    "account": HOUSE_CODE,
                    "amount": receipt.amount_minor,
                    "debtor": {"name": receipt.payer},
                    **({"reference": receipt.reference} if receipt.reference else {}),
                }
                _asked(bank, "POST", "/_mock/credits", json=credited)
            _asked(bank, "POST", "/_mock/advance", params={"days": DAYS_TO_PAY})
            _asked(bank, "GET", "/_mock/mailbox", params={"leave": ""})
            sent = _messages(bank)[before:]
    return [one["body"].encode() for kind in _KINDS for one in sent if _is_ours(one, kind)]


def _is_ours(message: dict[str, Any], kind: str) -> bool:
    return message["type"].startswith(kind) and message["account"] in {HOUSE_CODE, "", None}


@contextmanager
def _running(file: Path, now: datetime) -> Iterator[httpx.Client]:
    clock = f"{now:%Y-%m-%d}T09:00"
    server = make_server(Config(host=_LOOPBACK, port=0, db_path=str(file), quiet=True, timezone=ZONE, clock=clock))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        with httpx.Client(
            base_url=f"http://{_LOOPBACK}:{server.server_address[1]}", timeout=TIMEOUT_SECONDS, trust_env=False
        ) as bank:
            _open_account(bank)
            yield bank
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _open_account(bank: httpx.Client) -> None:
    """Our account with enough on it, where the bank does not know it yet."""
    if bank.get(f"/_mock/accounts/{HOUSE_CODE}").is_success:
        return
    opened = {"id": HOUSE_CODE, "name": HOUSE.name, "iban": HOUSE.account, "currency": HOUSE.currency}
    _asked(bank, "POST", "/_mock/accounts", json=opened)
    _asked(bank, "PATCH", f"/_mock/accounts/{HOUSE_CODE}", json={"balance": OPENING_MINOR})


def _messages(bank: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _asked(bank, "GET", "/_mock/messages").json()
    return found


def _asked(bank: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - as httpx
    answer = bank.request(method, path, **options)
    if answer.is_error:
        raise DemoBankFailed(f"{path}: {answer.status_code} {answer.text}")
    return answer
