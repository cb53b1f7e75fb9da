"""The canonical form of format 1, byte for byte: what is hashed once can never be written another way."""

import hashlib
import json
from datetime import date

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import (
    CHAIN_START,
    FORMAT,
    LotOpening,
    Posting,
    Transaction,
    TransactionKind,
    canonical_form,
    chain_hash,
    details_commitment,
)

KEY = bytes(range(32))
REQUEST = bytes(range(16))

BASE = Transaction(
    format=1,
    lane=3,
    sequence=7,
    kind=TransactionKind.EARN,
    programme=1,
    partner=2,
    member=9,
    points=250,
    recorded_at=1_795_492_800_000_001,
    occurred_at=1_795_489_200_000_000,
    scene="food",
    channel="pos",
    outlet="南京路 7",
    spend_minor=25_099,
    cash_minor=None,
    programme_version=4,
    reverses_lane=None,
    reverses_sequence=None,
    key_digest=KEY,
    request_digest=REQUEST,
    available_after=250,
    held_after=0,
    pending_after=0,
    answer_format=5,
    details_commitment=bytes(32),
    postings=(Posting(AccountKind.ISSUANCE, 2, AccountKind.AVAILABLE, 9, 250, 5),),
    lots=(LotOpening(5, 2, None, 1_795_489_200_000_000, 1_795_489_200_000_000, date(2028, 11, 30), 250),),
)


def like(**changes: object) -> Transaction:
    """The base transaction with other fields."""
    fields = {name: getattr(BASE, name) for name in BASE.__struct_fields__}
    return Transaction(**(fields | changes))


EARN = BASE
REDEEM = like(
    kind=TransactionKind.REDEEM,
    channel=None,
    outlet=None,
    spend_minor=None,
    cash_minor=1_999,
    programme_version=None,
    details_commitment=None,
    available_after=0,
    postings=(
        Posting(AccountKind.AVAILABLE, 9, AccountKind.REDEEMED, 2, 200, 5),
        Posting(AccountKind.AVAILABLE, 9, AccountKind.REDEEMED, 2, 50, 6),
    ),
    lots=(),
)
REVERSE = like(
    kind=TransactionKind.REVERSE,
    scene=None,
    channel=None,
    outlet=None,
    spend_minor=None,
    programme_version=None,
    reverses_lane=3,
    reverses_sequence=6,
    details_commitment=None,
    postings=(
        Posting(AccountKind.REDEEMED, 2, AccountKind.AVAILABLE, 9, 250, 8),
        Posting(AccountKind.AVAILABLE, 9, AccountKind.SHORTFALL, 9, 20, 8, 5),
    ),
    lots=(LotOpening(8, 2, 1, 5, 6, None, 250, restored_from=5),),
)
EXPIRE = like(
    kind=TransactionKind.EXPIRE,
    partner=0,
    scene=None,
    channel=None,
    outlet=None,
    spend_minor=None,
    programme_version=None,
    details_commitment=None,
    postings=(
        Posting(AccountKind.AVAILABLE, 9, AccountKind.EXPIRED, 1, 250, 5),
        Posting(AccountKind.EXPIRED, 1, AccountKind.ISSUANCE, 2, 250, 5),
    ),
    lots=(),
)
KEYS = '"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","AAECAwQFBgcICQoLDA0ODw=="'
TIMES = "1795492800000001,1795489200000000"
GOLDEN = {
    "earn": (
        EARN,
        f'[1,3,7,1,1,2,9,250,{TIMES},"food","pos","南京路 7",25099,null,4,null,null,{KEYS},250,0,0,5,'
        '"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",[[1,2,2,9,250,5,null]],'
        '[[5,2,null,1795489200000000,1795489200000000,"2028-11-30",250,null]]]',
        "d15d3a71529d6751b00a5ad8b2b34e21017d4fe32674fa4ed139f1ddd96b0097",
    ),
    "redeem": (
        REDEEM,
        f'[1,3,7,2,1,2,9,250,{TIMES},"food",null,null,null,1999,null,null,null,{KEYS},0,0,0,5,null,'
        "[[2,9,5,2,200,5,null],[2,9,5,2,50,6,null]],[]]",
        "0e2e9bfdd2f35acf22e34d1e97aa9fc79178eb19dfb5ac2c0cd6a806d425e7db",
    ),
    "reverse": (
        REVERSE,
        f"[1,3,7,3,1,2,9,250,{TIMES},null,null,null,null,null,null,3,6,{KEYS},250,0,0,5,null,"
        "[[5,2,2,9,250,8,null],[2,9,4,9,20,8,5]],[[8,2,1,5,6,null,250,5]]]",
        "52d673b6ffecf3d951e433f1af124b5aedd9f8de6adb6ab71ae5433ab6916f91",
    ),
    "expire": (
        EXPIRE,
        f"[1,3,7,4,1,0,9,250,{TIMES},null,null,null,null,null,null,null,null,{KEYS},250,0,0,5,null,"
        "[[2,9,6,1,250,5,null],[6,1,1,2,250,5,null]],[]]",
        "410ca62713560211381856f1372fd962008a3f86c3b1964dae298daa5e155060",
    ),
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_canonical_form_of_format_1_never_changes(kind: str) -> None:
    transaction, form, _ = GOLDEN[kind]
    assert canonical_form(transaction).decode() == form


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_hash_of_format_1_never_changes(kind: str) -> None:
    transaction, _, digest = GOLDEN[kind]
    assert chain_hash(CHAIN_START, transaction).hex() == digest


def test_anyone_can_rebuild_the_hash_from_the_form_alone() -> None:
    for transaction, form, digest in GOLDEN.values():
        again = json.dumps(json.loads(form), separators=(",", ":"), ensure_ascii=False).encode()
        assert hashlib.sha256(bytes(32) + again).hexdigest() == digest
        assert again == canonical_form(transaction)


def test_every_kind_of_the_first_format_has_its_golden_form() -> None:
    assert {transaction.kind for transaction, _, _ in GOLDEN.values()} == {1, 2, 3, 4}
    assert FORMAT == 1
    assert bytes(32) == CHAIN_START


def test_the_chain_binds_each_transaction_to_all_before() -> None:
    first = chain_hash(CHAIN_START, EARN)
    assert chain_hash(first, REDEEM) != chain_hash(CHAIN_START, REDEEM)
    assert chain_hash(chain_hash(CHAIN_START, like(points=251)), REDEEM) != chain_hash(first, REDEEM)


@pytest.mark.parametrize("field", Transaction.__struct_fields__)
def test_no_field_can_change_without_the_hash(field: str) -> None:
    value = getattr(BASE, field)
    other: object = 99 if isinstance(value, int | None) else "other"
    if isinstance(value, bytes):
        other = b"\xff" * len(value)
    if isinstance(value, tuple):
        other = (*value, *value)
    assert chain_hash(CHAIN_START, like(**{field: other})) != chain_hash(CHAIN_START, BASE)


def test_details_are_committed_to_with_their_salt() -> None:
    commitment = details_commitment(b"salt", b'{"reference":"7"}')
    assert commitment == hashlib.sha256(b'salt{"reference":"7"}').digest()
    assert commitment != details_commitment(b"tlas", b'{"reference":"7"}')
