"""The package mock-bank as a bank that answers: its real server on a free loopback port, with a clock that is moved.

with MockBank.start(tmp_path) as bank:
    house = bank.add_account("HOUSE", "城市积分清算有限公司", balance_minor=10_000_000)
    bank.send(write_payment_file(...))
    bank.advance(days=1)
    answers = [read_bank_file(content) for content in bank.messages()]

It knows its own accounts by IBAN only: a payee whom it should know needs the IBAN that add_account gives. Any other
payee, under any CNAPS code, is one at another bank, and is paid. It changes no currency: an order in another
currency than the paying account's is rejected (AM03).
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.service import free_port

READY_LIMIT_SECONDS = 30.0
STOP_LIMIT_SECONDS = 10.0
POLL_SECONDS = 0.05
REQUEST_TIMEOUT_SECONDS = 10.0


@dataclass
class MockBank:
    """A running bank; a context manager, too: leaving it stops."""

    base_url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @classmethod
    def start(cls, directory: Path, clock: str = "2026-11-24T09:00", zone: str = "Asia/Shanghai") -> Self:
        """Start a bank with nothing but mock-bank's own four accounts; ``clock`` is its time in ``zone``.

        Its business days are Monday to Friday, its cut-off is 15:00. Raises MockBankFailed where it does not start.
        """
        port = free_port()
        log_file = directory / "mock-bank.log"
        command = [sys.executable, "-m", "mockbank", "--port", str(port), "--quiet"]
        command += ["--db", str(directory / "mock-bank.db"), "--clock", clock, "--timezone", zone]
        with log_file.open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)
        bank = cls(f"http://127.0.0.1:{port}", process, log_file)
        try:
            bank._wait_until_ready()
        except BaseException:
            bank.stop()
            raise
        return bank

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End its process, and wait for that."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_LIMIT_SECONDS)

    def add_account(self, code: str, name: str, currency: str = "CNY", balance_minor: int = 0) -> str:
        """Open an account that accepts every payment; gives its IBAN, the same for a code every time."""
        account = iban("CN", code)
        self._change("POST", "/_mock/accounts", id=code, name=name, iban=account, currency=currency)
        # A new account starts with nothing; its balance is set as a change.
        self.set_balance(code, balance_minor)
        return account

    def set_balance(self, code: str, balance_minor: int) -> None:
        """Have an account hold so much from now on, in minor units."""
        self._change("PATCH", f"/_mock/accounts/{code}", balance=balance_minor)

    def behave(self, code: str, behaviour: str, **parameters: object) -> None:
        """Change what the bank does with an account's payments from now on, such as ``insufficient-funds``."""
        self._change("PATCH", f"/_mock/accounts/{code}", behaviour=behaviour, parameters=parameters)

    def close_account(self, code: str) -> None:
        """Close an account: payments to it are rejected (AC04)."""
        self._change("PATCH", f"/_mock/accounts/{code}", closed=True)

    def return_later(self, code: str, end_to_end_id: str, days: int = 1, reason: str = "AC04") -> None:
        """Have one payment from the account come back the given business days after it is paid.

        Asked for before the payment is sent; one at a time for an account.
        """
        self.behave(code, "return-later", days=days, reason=reason, end_to_end_id=end_to_end_id)

    def balance_minor(self, code: str) -> int:
        """What the account holds now, in minor units."""
        return int(self._answer(httpx.get(f"{self.base_url}/_mock/accounts/{code}"))["balance"])

    def send(self, payment_file: bytes) -> dict[str, Any]:
        """Hand in a payment file; the bank's first answer, also where it refuses the whole file."""
        answer = httpx.post(f"{self.base_url}/payments", content=payment_file, timeout=REQUEST_TIMEOUT_SECONDS)
        if answer.status_code not in {202, 422}:
            raise MockBankFailed(f"payments: {answer.status_code} {answer.text}")
        return dict(answer.json())

    def credit(self, code: str, amount_minor: int, note: str = "", **more: object) -> None:
        """Have money come in from somebody: ``debtor={"name": …, "iban": …}``, ``reference``, ``value_date``."""
        told: Mapping[str, object] = {"note": note} if note else {}
        self._change("POST", "/_mock/credits", account=code, amount=amount_minor, **told, **more)

    def advance(self, days: int) -> None:
        """Let the given calendar days pass; what was due in them is booked, and their statements are issued."""
        self._answer(httpx.post(f"{self.base_url}/_mock/advance?days={days}", timeout=REQUEST_TIMEOUT_SECONDS))

    def advance_to(self, day: date) -> None:
        """Let the time pass until the day begins."""
        self._answer(httpx.post(f"{self.base_url}/_mock/advance?to={day}", timeout=REQUEST_TIMEOUT_SECONDS))

    def messages(self, kind: str = "", account: str = "") -> list[bytes]:
        """Every file sent so far, oldest first: of a kind such as ``camt.053``, about an account, or all.

        Reading takes nothing away.
        """
        # Reading the mailbox lets the bank send what is due.
        self._answer(httpx.get(f"{self.base_url}/_mock/mailbox?leave", timeout=REQUEST_TIMEOUT_SECONDS))
        sent = self._answer(httpx.get(f"{self.base_url}/_mock/messages", timeout=REQUEST_TIMEOUT_SECONDS))
        return [
            message["body"].encode()
            for message in sent
            if message["type"].startswith(kind) and (not account or message["account"] == account)
        ]

    def _change(self, method: str, path: str, **fields: object) -> None:
        self._answer(httpx.request(method, self.base_url + path, json=fields, timeout=REQUEST_TIMEOUT_SECONDS))

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise MockBankFailed(f"{response.request.url.path}: {response.status_code} {response.text}")
        return response.json()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                httpx.get(f"{self.base_url}/_mock/health").raise_for_status()
            except httpx.TransportError:
                time.sleep(POLL_SECONDS)
            else:
                return
        raise MockBankFailed(f"did not start: {self.log_file.read_text(errors='replace')}")


class MockBankFailed(AssertionError):
    """The bank did not start, or would not do what a test asked of it."""


def iban(country: str, code: str) -> str:
    """An IBAN with right check digits for a code of letters and digits; other characters do not count."""
    letters_and_digits = "".join(character for character in code.upper() if character.isalnum())
    rest = letters_and_digits.rjust(16, "0")[-16:]
    digits = "".join(str(int(character, 36)) for character in f"{rest}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{rest}"
