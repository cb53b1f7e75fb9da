"""The canonical forms of holds, gifts, merges, corrections, statuses, notices and caps, byte for byte.

A kind with particulars is of format 2: the elements of format 1, then an object without absent fields.
"""

import hashlib
import json
from datetime import date
from typing import Any

import msgspec
import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import (
    CHAIN_START,
    FORMAT,
    FORMAT_WITH_PARTICULARS,
    LotOpening,
    LotOrigin,
    Particulars,
    Posting,
    Transaction,
    TransactionKind,
    canonical_form,
    chain_hash,
    with_particulars,
)

KEY = bytes(range(32))
REQUEST = bytes(range(16))
AT = 1_795_492_800_000_001
APPROVAL = "0193d2a0-0000-8000-8000-000000000001"
LOT = LotOpening(8, 2, None, 5, 6, date(2028, 11, 30), 250)
SHOP: dict[str, Any] = {"scene": "food", "channel": "pos", "outlet": "南京路 7"}

BASE = Transaction(
    format=2,
    lane=3,
    sequence=7,
    kind=TransactionKind.HOLD,
    programme=1,
    partner=2,
    member=9,
    points=250,
    recorded_at=AT,
    occurred_at=AT,
    scene=None,
    channel=None,
    outlet=None,
    spend_minor=None,
    cash_minor=None,
    programme_version=None,
    reverses_lane=None,
    reverses_sequence=None,
    key_digest=KEY,
    request_digest=REQUEST,
    available_after=10,
    held_after=20,
    pending_after=30,
    answer_format=5,
    details_commitment=None,
    postings=(),
    lots=(),
)


def of(
    kind: TransactionKind, *postings: Posting, particulars: Particulars | None = None, **changes: Any
) -> Transaction:
    """A transaction of a kind; without particulars of format 1."""
    fields: dict[str, Any] = {"kind": kind, "postings": postings, "format": 1 if particulars is None else 2} | changes
    transaction = msgspec.structs.replace(BASE, **fields)
    return transaction if particulars is None else with_particulars(transaction, particulars)


def form(kind: int, rest: str, *, head: str = "1,2,9,250", shop: str = "null,null,null", number: int = 2) -> str:
    """The form up to the postings, which stand in ``rest`` with all that follows."""
    keys = '"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","AAECAwQFBgcICQoLDA0ODw=="'
    return f"[{number},3,7,{kind},{head},{AT},{AT},{shop},null,null,null,null,null,{keys},10,20,30,5,null,{rest}]"


A = AccountKind
GOLDEN: dict[str, tuple[Transaction, str, str]] = {
    "hold": (
        of(
            TransactionKind.HOLD,
            Posting(A.AVAILABLE, 9, A.HELD, 9, 200, 5),
            Posting(A.AVAILABLE, 9, A.HELD, 9, 50, 6),
            particulars=Particulars(expires_at=AT + 1),
            **SHOP,
        ),
        form(
            5,
            '[[2,9,3,9,200,5,null],[2,9,3,9,50,6,null]],[],{"expires_at":1795492800000002}',
            shop='"food","pos","南京路 7"',
        ),
        "9a0378c66a28777eac7daec4f860d39eca79f8cfd13e953fadf721fad560641e",
    ),
    "capture": (
        of(
            TransactionKind.CAPTURE,
            Posting(A.HELD, 9, A.REDEEMED, 2, 250, 5),
            Posting(A.HELD, 9, A.AVAILABLE, 9, 50, 6),
            particulars=Particulars(hold=4),
            cash_minor=None,
        ),
        form(6, '[[3,9,5,2,250,5,null],[3,9,2,9,50,6,null]],[],{"hold":4}'),
        "eccda04b33ad800076097be0c2b8540bd8ffc5e2587f7d4c039199eb78781702",
    ),
    "void": (
        of(TransactionKind.VOID, Posting(A.HELD, 9, A.AVAILABLE, 9, 250, 5), particulars=Particulars(hold=4)),
        form(7, '[[3,9,2,9,250,5,null]],[],{"hold":4}'),
        "1dcfe60de0bc1f08fa971d305389583f2e6a83e174c066120d65bc3a7dc2476f",
    ),
    "hold_expire": (
        of(TransactionKind.HOLD_EXPIRE, Posting(A.HELD, 9, A.AVAILABLE, 9, 250, 5), particulars=Particulars(hold=4)),
        form(8, '[[3,9,2,9,250,5,null]],[],{"hold":4}'),
        "6f34c1d7b1efa7d551b3d0b68f308bad46c4bd3d84a89b4008f2192f55126d13",
    ),
    "gift": (
        of(
            TransactionKind.GIFT,
            Posting(A.IN_TRANSIT, 1, A.AVAILABLE, 9, 250, 8),
            particulars=Particulars(counter_lane=0, counter_sequence=6),
            lots=(LOT,),
        ),
        form(
            9,
            '[[8,1,2,9,250,8,null]],[[8,2,null,5,6,"2028-11-30",250,null]],{"counter_lane":0,"counter_sequence":6}',
        ),
        "21bf23df78515b5002574ac306368085ca217c3c0225d378220159f1df969089",
    ),
    "merge": (
        of(
            TransactionKind.MERGE,
            Posting(A.IN_TRANSIT, 1, A.HELD, 9, 250, 8),
            particulars=Particulars(
                expires_at=AT, counter_lane=0, counter_sequence=6, origins=(LotOrigin(8, 0, 3), LotOrigin(9, 0, 2))
            ),
            lots=(LOT,),
        ),
        form(
            10,
            '[[8,1,3,9,250,8,null]],[[8,2,null,5,6,"2028-11-30",250,null]],'
            f'{{"expires_at":{AT},"counter_lane":0,"counter_sequence":6,"origins":[[8,0,3],[9,0,2]]}}',
        ),
        "2d5c82bf18129d26e16b2b5df43503b70329a6320b710827af60f60ef02d5f92",
    ),
    "move": (
        of(
            TransactionKind.MOVE,
            particulars=Particulars(counter_lane=0, counter_sequence=6, into=12),
            programme=0,
            partner=0,
            points=0,
        ),
        form(11, '[],[],{"counter_lane":0,"counter_sequence":6,"into":12}', head="0,0,9,0"),
        "c6e58976905776501781851e4d63c09ba7a0d3cd5bda7701333c06ddf0d14e61",
    ),
    "adjust": (
        of(
            TransactionKind.ADJUST,
            Posting(A.AVAILABLE, 9, A.ISSUANCE, 2, 250, 5),
            particulars=Particulars(approval=APPROVAL),
        ),
        form(12, f'[[2,9,1,2,250,5,null]],[],{{"approval":"{APPROVAL}"}}'),
        "6674f5a869a43af6f3db4e2855b3fe4a1bba217d487b2b40e98c40df19e7545d",
    ),
    "write_off": (
        of(
            TransactionKind.WRITE_OFF,
            Posting(A.ISSUANCE, 2, A.SHORTFALL, 9, 250, 5, 5),
            particulars=Particulars(approval=APPROVAL),
            partner=0,
        ),
        form(13, f'[[1,2,4,9,250,5,5]],[],{{"approval":"{APPROVAL}"}}', head="1,0,9,250"),
        "c3fe1397ea127eb4f003e0776a444e40e28354851aca31cab662998c91120bea",
    ),
    "freeze": (
        of(TransactionKind.FREEZE, programme=0, partner=0, points=0),
        form(14, "[],[]", head="0,0,9,0", number=1),
        "a42ee5f18379b2d1168f13bbe8d989fb944c93fcafa707018d2ad2cb46bda1ef",
    ),
    "unfreeze": (
        of(TransactionKind.UNFREEZE, programme=0, partner=0, points=0),
        form(15, "[],[]", head="0,0,9,0", number=1),
        "40d32b3dfa123c3a710d0de5a3efba24e4dc7abaada099f209c08c4128d116d9",
    ),
    "close": (
        of(TransactionKind.CLOSE, programme=0, partner=0, points=0),
        form(16, "[],[]", head="0,0,9,0", number=1),
        "89080c27cdf66613ffb7248423283574e0cc49ad152143dd8f8307a20a508d5f",
    ),
    "notice": (
        of(TransactionKind.NOTICE, particulars=Particulars(expires_on=date(2028, 11, 30), days_before=60), partner=0),
        form(17, '[],[],{"expires_on":"2028-11-30","days_before":60}', head="1,0,9,250"),
        "3b38ed16e24b7296c7aab8e3cbdd47ac13f7d0f08f9ee6701d3135ff53c9e63f",
    ),
    "cap": (
        of(TransactionKind.CAP, Posting(A.POOL, 4, A.CAP_TRANSIT, 4, 250), member=0),
        form(18, "[[9,4,12,4,250,null,null]],[]", head="1,2,0,250", number=1),
        "7040b6cf5bf45eea1344719ea5b8f6dc43acffaec43229f12d25608e34412cab",
    ),
    "exchange": (
        of(
            TransactionKind.EXCHANGE,
            Posting(A.AVAILABLE, 9, A.EXCHANGE, 1, 250, 8),
            Posting(A.EXCHANGE, 1, A.ISSUANCE, 2, 250, 8),
            particulars=Particulars(counter_lane=3, counter_sequence=8, exchange_rate=4),
        ),
        form(
            22,
            '[[2,9,7,1,250,8,null],[7,1,1,2,250,8,null]],[],{"counter_lane":3,"counter_sequence":8,"exchange_rate":4}',
        ),
        "f093cd1f3f13e8a87086bc6d16e95a037948d2de002ea896df5d4f75c61ea518",
    ),
    "epoch": (
        of(
            TransactionKind.EPOCH,
            particulars=Particulars(epoch=2, epoch_identity="0f" * 16, superseded_seals="ab" * 32),
            programme=0,
            partner=0,
            member=0,
            points=0,
        ),
        form(
            23,
            f'[],[],{{"epoch":2,"epoch_identity":"{"0f" * 16}","superseded_seals":"{"ab" * 32}"}}',
            head="0,0,0,0",
        ),
        "effe7e9aa2b3596dbaf7b8ca5b87c4375984e43a2c368717a85ce1257ddf1802",
    ),
    "a return after a merge": (
        of(
            TransactionKind.REVERSE,
            Posting(A.REDEEMED, 2, A.AVAILABLE, 9, 250, 8),
            particulars=Particulars(origins=(LotOrigin(8, 0, 3),)),
            lots=(LOT,),
        ),
        form(3, '[[5,2,2,9,250,8,null]],[[8,2,null,5,6,"2028-11-30",250,null]],{"origins":[[8,0,3]]}'),
        "0b269fb179d27b1f15061b8a2a74a7656ed3f5550ef6afa6166de4efda2e3962",
    ),
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_canonical_form_of_a_later_kind_never_changes(kind: str) -> None:
    transaction, expected, _ = GOLDEN[kind]
    assert canonical_form(transaction).decode() == expected


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_hash_of_a_later_kind_never_changes(kind: str) -> None:
    transaction, _, digest = GOLDEN[kind]
    assert chain_hash(CHAIN_START, transaction).hex() == digest


@pytest.mark.parametrize("kind", GOLDEN)
def test_anyone_can_rebuild_the_hash_of_a_later_kind_from_its_form_alone(kind: str) -> None:
    transaction, expected, digest = GOLDEN[kind]
    again = json.dumps(json.loads(expected), separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(bytes(32) + again).hexdigest() == digest
    assert again == canonical_form(transaction)


def test_every_later_kind_has_its_golden_form() -> None:
    assert {transaction.kind for transaction, _, _ in GOLDEN.values()} == {3, *range(5, 19), 22, 23}
    assert (FORMAT, FORMAT_WITH_PARTICULARS) == (1, 2)


def test_format_2_is_format_1_with_one_element_more() -> None:
    plain = of(TransactionKind.HOLD, format=2)
    particular = of(TransactionKind.HOLD, particulars=Particulars(hold=4))
    assert canonical_form(particular) == canonical_form(plain)[:-1] + b',{"hold":4}]'
    assert len(json.loads(canonical_form(plain))) == 27


@pytest.mark.parametrize("field", Particulars.__struct_fields__)
def test_no_particular_can_change_without_the_hash(field: str) -> None:
    full = Particulars(
        hold=1,
        expires_at=2,
        counter_lane=3,
        counter_sequence=4,
        into=5,
        approval="6",
        expires_on=date(2028, 11, 30),
        days_before=7,
        origins=(LotOrigin(1, 2, 3),),
        about="CITY-20261123-1",
        money="0" * 64,
        exchange_rate=8,
        epoch=9,
        epoch_identity="0f" * 16,
        superseded_seals="ab" * 32,
    )
    without = msgspec.structs.replace(full, **{field: () if field == "origins" else None})
    hashes = {chain_hash(CHAIN_START, of(TransactionKind.MERGE, particulars=one)) for one in (full, without)}
    assert len(hashes) == 2


def test_the_numbers_of_kinds_are_for_ever() -> None:
    assert [kind.name for kind in sorted(TransactionKind)] == [
        *("EARN", "REDEEM", "REVERSE", "EXPIRE", "HOLD", "CAPTURE", "VOID", "HOLD_EXPIRE", "GIFT", "MERGE", "MOVE"),
        *("ADJUST", "WRITE_OFF", "FREEZE", "UNFREEZE", "CLOSE", "NOTICE", "CAP"),
        *("SETTLE", "MONEY", "COVER_LOW", "EXCHANGE", "EPOCH"),
    ]
    assert [kind.value for kind in sorted(TransactionKind)] == list(range(1, 24))
    assert [kind.name for kind in sorted(AccountKind)] == [
        *("ISSUANCE", "AVAILABLE", "HELD", "SHORTFALL", "REDEEMED", "EXPIRED", "EXCHANGE", "IN_TRANSIT"),
        *("POOL", "ALLOTMENT", "USED", "CAP_TRANSIT", "AUTHORISED"),
    ]
    assert [kind.value for kind in sorted(AccountKind)] == list(range(1, 14))
