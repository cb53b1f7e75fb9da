"""When the demo's bank has something to answer."""

from types import SimpleNamespace
from typing import cast

import pytest

from api.pages.finance.batches import waits_for_bank
from settlement.batches import Batch
from settlement.store.money_rows import Notice


@pytest.mark.parametrize(
    ("state", "notices", "waits"),
    [
        ("approved", ["open"], False),
        ("instructed", [], True),
        ("partly_confirmed", ["paid"], True),
        ("confirmed", ["paid", "open"], True),
        ("confirmed", ["paid"], False),
        ("confirmed", [], False),
        ("closed", ["open"], False),
    ],
)
def test_the_bank_is_waited_for_while_a_payment_or_a_notice_is_open(
    state: str, notices: list[str], waits: bool
) -> None:
    batch = cast("Batch", SimpleNamespace(state=state))
    open_notices = [cast("Notice", SimpleNamespace(state=one)) for one in notices]
    assert waits_for_bank(batch, open_notices) is waits
