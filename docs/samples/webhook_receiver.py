"""A receiver of webhooks, for trials: verifies each signature and prints one line for each event.

    WEBHOOK_SECRET=whsec_... python3 docs/samples/webhook_receiver.py 9000

It needs Python alone. In earnest keep the ids of events that are done, since some arrive twice.
"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OLDEST_SECONDS = 300
MOST_BYTES = 1_000_000


def verified_event(secret: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """The event in a request, by its headers (names in lower case) and its body's bytes; raises ValueError."""
    identifier, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > OLDEST_SECONDS:
        raise ValueError("too old, or from the future: somebody may be repeating an old request")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{identifier}.{sent_at}.".encode() + body, "sha256")
    wanted = "v1," + base64.b64encode(digest).decode()
    if not any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split(" ")):
        raise ValueError("not signed with this secret")
    event: dict[str, Any] = json.loads(body)
    return event


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to an event that is verified, 400 to anything else."""

    def do_POST(self) -> None:
        """Take one event."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(min(int(headers.get("content-length", "0")), MOST_BYTES))
        try:
            event = verified_event(os.environ["WEBHOOK_SECRET"], headers, body)
        except (KeyError, ValueError) as error:
            self.send_error(400, f"refused: {error}")
            return
        data = event.get("data", {})
        print(event["type"], event["id"], data.get("points"), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Say nothing of requests; events are printed."""


if __name__ == "__main__":
    if not os.environ.get("WEBHOOK_SECRET", "").startswith("whsec_"):
        sys.exit("WEBHOOK_SECRET: wanted is the secret that the webhook was made with, whsec_...")
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Receiver).serve_forever()
