"""When two requests are the same request, and what of them is erasable."""

import pytest

from ledger.rules.commands import (
    Command,
    Earn,
    Expire,
    Redeem,
    Reverse,
    TakeBack,
    canonical_request,
    details_document,
)
from tests.builders import earn, redeem


@pytest.mark.parametrize(
    ("command", "canonical"),
    [
        (
            Earn(programme="CITY", member="m1", scene="food", points=5),
            b'1:{"type":"earn","programme":"CITY","member":"m1","scene":"food","points":5}',
        ),
        (
            Earn(programme="CITY", member="m1", scene="food", spend_minor=999, currency="CNY", metadata={"till": "3"}),
            b'1:{"type":"earn","metadata":{"till":"3"},"programme":"CITY","member":"m1","scene":"food",'
            b'"spend_minor":999,"currency":"CNY"}',
        ),
        (
            Redeem(programme="CITY", member="m1", points=5, scene="food", occurred_at=7),
            b'1:{"type":"redeem","programme":"CITY","member":"m1","points":5,"scene":"food","occurred_at":7}',
        ),
        (
            Reverse(transaction="t", points=5, reason="broken"),
            b'1:{"type":"reverse","reason":"broken","transaction":"t","points":5}',
        ),
        (
            TakeBack(programme="CITY", member="m1", spend_minor=5, currency="CNY", occurred_at=7),
            b'1:{"type":"take-back","programme":"CITY","member":"m1","spend_minor":5,"currency":"CNY","occurred_at":7}',
        ),
        (Expire(programme="CITY", member="m1"), b'1:{"type":"expire","programme":"CITY","member":"m1"}'),
    ],
)
def test_the_canonical_request_of_version_1_never_changes(command: Command, canonical: bytes) -> None:
    assert canonical_request(command) == canonical


def test_what_is_left_out_and_what_is_null_are_the_same_request() -> None:
    assert canonical_request(earn(5, outlet=None)) == canonical_request(earn(5))
    assert canonical_request(earn(5, outlet="")) != canonical_request(earn(5))


def test_an_earn_and_a_redemption_of_equal_fields_are_two_requests() -> None:
    assert canonical_request(earn(5)) != canonical_request(redeem(5))


def test_only_free_text_goes_to_the_erasable_details() -> None:
    document = details_document(earn(5, reference="r", evidence="e", metadata={"k": "v"}, reason="w", outlet="7"))
    assert document == b'{"reference":"r","evidence":"e","metadata":{"k":"v"},"reason":"w"}'
    assert details_document(earn(5, outlet="7")) is None
