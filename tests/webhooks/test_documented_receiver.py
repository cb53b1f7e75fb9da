"""The receiver in the guide for integrators is really run."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.webhooks.conftest import Shop, Working
from tests.webhooks.receiver import Receiver

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "integrating.md"


def documented() -> Callable[..., dict[str, Any]]:
    [code] = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the guide's own lines are what is tried
    verified: Callable[..., dict[str, Any]] = names["verified_event"]
    return verified


def test_the_guides_lines_verify_what_is_sent_and_refuse_anything_else(shop: Shop, working: Working) -> None:
    verified_event = documented()
    with Receiver() as receiver, working():
        webhook, old = shop.add_webhook(receiver.url)
        new = shop.ask(webhook, "rotate-secret")["secret"]
        earned = shop.earn(12)
        [one] = receiver.wait_for(1)
    for secret in (old, new):
        assert verified_event(secret, one.headers, one.body)["id"] == earned
    sent_at = int(one.headers["webhook-timestamp"])
    for headers, body in (
        (one.headers, one.body.replace(b"12", b"13")),
        ({**one.headers, "webhook-id": "another"}, one.body),
        ({**one.headers, "webhook-timestamp": str(sent_at - 1)}, one.body),
        ({**one.headers, "webhook-timestamp": str(sent_at - 1000)}, one.body),
        ({**one.headers, "webhook-signature": "v1,AAAA"}, one.body),
    ):
        with pytest.raises(ValueError, match=r"not signed|too old"):
            verified_event(new, headers, body)
