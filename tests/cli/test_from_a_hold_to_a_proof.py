"""The README's story of an integrator, lived: a hold, two deliveries, a return, webhooks, a proof offline."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.cli.test_serving import serving, wait_until
from tests.command_line import COMMAND, ROOT, CommandLine
from tests.service import free_port

README = (ROOT / "README.md").read_text(encoding="utf-8")
GUEST = "guest-1"
KINDS = ["hold", "capture", "capture", "reverse"]
EVENTS_LIMIT_SECONDS = 60.0


def bodies_of_the_readme() -> dict[str, object]:
    """What the README sends, by the idempotency key that it sends it under."""
    calls = re.findall(r'Idempotency-Key: ([\w-]+)".*?\n\s+-d \'(.*?)\'', README)
    return {key: json.loads(body) for key, body in calls}


def told(output: Path) -> list[list[str]]:
    """The lines that the receiver has printed, as words."""
    return [line.split() for line in output.read_text().splitlines()]


def test_an_order_in_two_deliveries_is_followed_by_webhook_and_proved_offline(tmp_path: Path) -> None:
    port, output, proof, key_file = free_port(), tmp_path / "events", tmp_path / "proof.json", tmp_path / "key.json"
    command = CommandLine(tmp_path / "data", {"CITYPOINTS_WEBHOOK_TARGETS": "127.0.0.1"})
    sent = bodies_of_the_readme()
    with serving(command, tmp_path / "log") as service:
        command.done("partners", "add", "CAFE", "--kind", "merchant", "--name", "Corner Cafe")
        key = command.json("keys", "create", "--partner", "CAFE")["key"]

        def post(path: str, idempotency_key: str, **changes: object) -> dict[str, object]:
            body = sent[idempotency_key]
            assert isinstance(body, dict)
            answer = service.post(path, body | changes, key, idempotency_key).raise_for_status().json()
            assert isinstance(answer, dict)
            return answer

        post("/v1/members", GUEST)
        post("/v1/earnings", "receipt-1")
        webhook = post("/v1/webhooks", "hook-1", url=f"http://127.0.0.1:{port}/")
        with output.open("wb") as events:
            receiver = subprocess.Popen(
                [sys.executable, "docs/samples/webhook_receiver.py", str(port)],
                cwd=ROOT,
                env={"WEBHOOK_SECRET": str(webhook["secret"])},
                stdout=events,
            )
        try:
            hold = post("/v1/holds", "order-7")
            first = post(f"/v1/holds/{hold['id']}/captures", "order-7-first")
            last = post(f"/v1/holds/{hold['id']}/captures", "order-7-last")
            back = post(f"/v1/transactions/{first['id']}/reversals", "order-7-return")
            # The same identifiers, each at least once; what is sent again is the same event.
            wanted = {
                (f"citypoints.transaction.{kind}.v1", str(one["id"]))
                for kind, one in zip(KINDS, (hold, first, last, back), strict=True)
            }
            wait_until(lambda: {(words[0], words[1]) for words in told(output)} >= wanted, EVENTS_LIMIT_SECONDS)
        finally:
            receiver.terminate()
            receiver.wait()
        assert service.get(f"/v1/holds/{hold['id']}", key).json()["state"] == "captured"
        command.done("seal")
        proof.write_bytes(service.get(f"/v1/transactions/{first['id']}/proof", key).raise_for_status().content)
        key_file.write_bytes(service.get("/v1/seals/key").raise_for_status().content)
    # Offline: no ledger, no settings, nobody to ask.
    arguments = [str(COMMAND), "verify-proof", str(proof), "--public-key", str(key_file)]
    verified = subprocess.run(
        arguments, env={"PATH": os.environ["PATH"]}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "capture" in verified.stdout
    assert str(first["id"]) in verified.stdout
    proof.write_text(proof.read_text().replace('"points":30', '"points":31'))
    changed = subprocess.run(
        arguments, env={"PATH": os.environ["PATH"]}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert changed.returncode == 1
