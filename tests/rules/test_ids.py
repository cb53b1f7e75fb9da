"""Ids carry lane and number; digests of different uses never meet."""

import hmac
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ids import MAX_LANES, MAX_NUMBER, LedgerKey, Place, lot_id, make_id, place_of, transaction_id
from tests.builders import NOON

lanes = st.integers(0, MAX_LANES - 1)
numbers = st.integers(0, MAX_NUMBER)
KEY = LedgerKey(bytes(32))


@given(st.integers(0, (1 << 47) * 1000), lanes, numbers, st.integers(0, 1 << 30))
def test_an_id_gives_back_its_lane_and_number(instant: int, lane: int, number: int, tail: int) -> None:
    identifier = make_id(instant, lane, number, tail)
    assert place_of(identifier) == Place(lane, number)
    assert (identifier.version, identifier.variant) == (8, "specified in RFC 4122")
    assert identifier.int >> 80 == instant // 1000


@given(lanes, numbers, st.binary(min_size=32, max_size=32))
def test_ids_of_transactions_and_lots_give_back_their_place(lane: int, number: int, digest: bytes) -> None:
    assert place_of(UUID(transaction_id(NOON, lane, number, digest))) == Place(lane, number)
    assert place_of(UUID(lot_id(NOON, lane, number))) == Place(lane, number)


@given(lanes, numbers)
def test_an_id_is_written_as_a_uuid_is(lane: int, number: int) -> None:
    assert lot_id(NOON, lane, number) == str(make_id(NOON, lane, number, number))


def test_a_lot_earned_before_1970_has_an_id_too() -> None:
    assert place_of(UUID(lot_id(-1, 5, 6))) == Place(5, 6)


def test_ids_of_a_lane_sort_by_time() -> None:
    made = [make_id(NOON + 1_000 * step, 3, 9 - step, 0) for step in range(5)]
    assert made == sorted(made)


def test_the_tail_of_a_transactions_id_is_the_start_of_its_hash() -> None:
    one, other = (UUID(transaction_id(NOON, 1, 1, bytes([first]) + bytes(31))) for first in (0, 128))
    assert one != other
    assert one.int & ((1 << 22) - 1) == 0
    assert other.int & ((1 << 22) - 1) == 1 << 21


@pytest.mark.parametrize("identifier", [uuid4(), uuid5(uuid4(), "name"), UUID(int=0), UUID(int=(1 << 128) - 1)])
def test_an_id_of_another_kind_has_no_place(identifier: UUID) -> None:
    assert place_of(identifier) is None


def test_digests_of_different_uses_of_one_text_differ() -> None:
    digests = {
        KEY.key_digest("p:1", "x"),
        KEY.digest(b"request", b"p:1", b"x"),
        KEY.member_digest("reference", "p:1", "x"),
        KEY.member_digest("card", "p:1", "x"),
        KEY.member_digest("id", "p:1", "x"),
        KEY.reference_digest("p:1", "x"),
        KEY.check_value(),
    }
    assert len(digests) == 7


def test_parts_cannot_be_cut_another_way() -> None:
    assert KEY.key_digest("p:1", "1x") != KEY.key_digest("p:11", "x")
    assert KEY.digest(b"key", b"a", b"") != KEY.digest(b"key", b"a")
    assert KEY.digest(b"key", b"", b"a") != KEY.digest(b"key", b"a", b"")


def test_a_digest_needs_the_secret() -> None:
    assert KEY.key_digest("p:1", "x") != LedgerKey(b"\x01" * 32).key_digest("p:1", "x")
    message = b"key" + b"\x00\x00\x00\x03p:1" + b"\x00\x00\x00\x01x"
    assert KEY.key_digest("p:1", "x") == hmac.digest(bytes(32), message, "sha256")


def test_the_digest_of_a_request_has_16_bytes() -> None:
    assert KEY.request_digest(b"1:{}") == KEY.digest(b"request", b"1:{}")[:16]


def test_a_short_secret_is_refused_with_its_length() -> None:
    with pytest.raises(ValueError, match="has 31 bytes; at least 32"):
        LedgerKey(bytes(31))


def test_a_key_never_shows_its_secret() -> None:
    secret = b"s" * 32
    assert "s" * 8 not in f"{LedgerKey(secret)!r} {LedgerKey(secret)}"


@given(secret=st.binary(min_size=32, max_size=200), owner=st.text(max_size=40), key=st.text(max_size=300))
def test_a_digest_is_the_hmac_that_any_library_computes(secret: bytes, owner: str, key: str) -> None:
    parts = b"".join(len(part).to_bytes(4, "big") + part for part in (owner.encode(), key.encode()))
    assert LedgerKey(secret).key_digest(owner, key) == hmac.digest(secret, b"key" + parts, "sha256")
