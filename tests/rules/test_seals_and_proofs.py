"""Seals and proofs as documents: what is signed, byte for byte, and that no changed proof verifies."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.journal import Transaction, canonical_form, chain_hash
from ledger.rules.merkle import merkle_root
from ledger.rules.proofs import MAXIMUM_PROOF_BYTES, CanonicalForm, NotProved, Proof, verify_proof
from ledger.rules.seal_keys import SealKeys, fingerprint, is_signed, parse_public_key, public_key_as_pem
from ledger.rules.seals import (
    NO_SEAL,
    SEAL_FORMAT,
    SealDocument,
    SealedLane,
    SealedTransaction,
    encode_document,
    has_good_signature,
    public_form,
    seal_hash,
    signed_bytes,
    transaction_leaf,
)
from tests.proofs_by_hand import KEYS, NOW, proof_of, seal, transaction

# The first test vector of RFC 8032, 7.1.
RFC_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
RFC_PUBLIC_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def encoded(proof: Proof) -> bytes:
    return msgspec.json.encode(proof)


def test_the_public_form_is_the_beginning_of_the_canonical_form_by_name() -> None:
    names = SealedTransaction.__struct_fields__
    assert names == Transaction.__struct_fields__[: len(names)]
    made = transaction(7)
    shown = json.loads(msgspec.json.encode(public_form(made)))
    assert list(shown.values()) == json.loads(canonical_form(made))[: len(names)]


def test_nothing_of_the_members_balance_or_of_keys_is_in_the_public_form() -> None:
    shown = msgspec.json.encode(public_form(transaction(7)))
    assert b"777" not in shown
    assert not any(word in shown for word in (b"after", b"digest", b"commitment"))


def test_what_is_signed_is_written_as_documented() -> None:
    lanes = (SealedLane(0, 1, 0, 1, NO_SEAL, merkle_root([]).hex()),)
    document = seal(lanes)
    lane = f'{{"lane":0,"first":1,"last":0,"next_lot":1,"head":"{NO_SEAL}","root":"{lanes[0].root}"}}'
    root = hashlib.sha256(b"\x00" + lane.encode()).hexdigest()
    text = (
        f'{{"format":"citypoints-seal-1","ledger":"{document.seal.ledger}","number":1,"sealed_at":1795492800000001,"previous":"{NO_SEAL}",'
        f'"transactions":0,"recorded":0,"lanes":1,"root":"{root}","public_key":"{KEYS.public_key}"}}'
    )
    assert signed_bytes(document.seal) == text.encode()
    assert seal_hash(document.seal) == hashlib.sha256(text.encode()).hexdigest()
    assert encode_document(document) == (
        b'{"seal":' + text.encode() + b',"signature":"' + document.signature.encode() + b'","lanes":['
        + lane.encode() + b"]}\n"
    )  # fmt: skip
    assert document.seal.format == SEAL_FORMAT


def test_a_leaf_of_a_lane_is_the_hash_and_the_compact_public_form() -> None:
    made = transaction(7)
    digest = chain_hash(bytes(32), made)
    assert (
        transaction_leaf(digest, public_form(made))
        == digest
        + (
            '{"format":1,"lane":0,"sequence":7,"kind":2,"programme":1,"partner":2,"member":9,"points":250,'
            '"recorded_at":1795492800000001,"occurred_at":1795492799999996,"scene":"food","channel":"pos",'
            '"outlet":"南京路 7","spend_minor":null,"cash_minor":1250,"programme_version":4,"reverses_lane":null,'
            '"reverses_sequence":null}'
        ).encode()
    )


def test_a_seal_survives_json_and_a_changed_one_is_not_signed() -> None:
    document = seal((proof_of().lane,))
    again = msgspec.json.decode(encode_document(document), type=SealDocument)
    assert again == document
    assert has_good_signature(again)
    later = msgspec.structs.replace(document.seal, sealed_at=NOW + 1)
    assert not has_good_signature(SealDocument(later, document.signature, document.lanes))


@given(st.integers(1, 20), st.integers(1, 9), st.data())
def test_every_transaction_of_every_lane_is_proved(size: int, lanes: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = proof_of(size, index, data.draw(st.integers(0, lanes - 1)), lanes)
    assert verify_proof(encoded(proof), {KEYS.public_key}) == proof
    without_balance = msgspec.structs.replace(proof, canonical_form=None)
    assert verify_proof(encoded(without_balance)) == without_balance


def test_a_proof_of_pretty_json_in_another_order_verifies() -> None:
    document = json.loads(encoded(proof_of()))
    shuffled = json.dumps(dict(sorted(document.items())), indent=4)
    assert verify_proof(shuffled.encode()) == proof_of()


PLACES = [
    ("transaction", "points"),
    ("transaction", "member"),
    ("transaction", "recorded_at"),
    ("transaction", "outlet"),
    ("transaction", "sequence"),
    ("transaction", "lane"),
    ("hash",),
    ("canonical_form", "previous"),
    ("canonical_form", "text"),
    ("lane_path", 0),
    ("lane_path", 2),
    ("lane", "first"),
    ("lane", "last"),
    ("lane", "next_lot"),
    ("lane", "lane"),
    ("lane", "head"),
    ("lane", "root"),
    ("seal_path", 0),
    ("seal", "number"),
    ("seal", "ledger"),
    ("seal", "sealed_at"),
    ("seal", "previous"),
    ("seal", "transactions"),
    ("seal", "recorded"),
    ("seal", "lanes"),
    ("seal", "root"),
    ("seal", "public_key"),
    ("signature",),
]

PLACES_OF_ALL = [place for place in PLACES if place[0] != "canonical_form"]


def altered(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("0" if value[-1] != "0" else "1")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_proof_changed_anywhere_does_not_verify(place: tuple[str | int, ...]) -> None:
    document = json.loads(encoded(proof_of()))
    _change(document, place)
    assert isinstance(verify_proof(json.dumps(document).encode()), NotProved)


@pytest.mark.parametrize("place", PLACES_OF_ALL, ids=lambda place: ".".join(map(str, place)))
def test_a_proof_without_the_canonical_form_changed_anywhere_does_not_verify(place: tuple[str | int, ...]) -> None:
    document = json.loads(encoded(proof_of())) | {"canonical_form": None}
    _change(document, place)
    assert isinstance(verify_proof(json.dumps(document).encode()), NotProved)


def _change(document: Any, place: tuple[str | int, ...]) -> None:
    for step in place[:-1]:
        document = document[step]
    document[place[-1]] = altered(document[place[-1]])


def test_each_step_is_named_when_it_fails() -> None:
    proof = proof_of()
    replace = msgspec.structs.replace
    steps = {
        "canonical form": replace(proof, hash="ab" * 32),
        "lane root": replace(proof, canonical_form=None, hash="ab" * 32),
        "seal root": replace(proof, seal_path=(*proof.seal_path, "00" * 32)),
        "signature": replace(proof, signature="00" * 64),
    }
    for step, changed in steps.items():
        refused = verify_proof(encoded(changed))
        assert isinstance(refused, NotProved)
        assert refused.step == step
    assert verify_proof(encoded(proof), {RFC_PUBLIC_KEY}) == NotProved(
        "public key", f"the seal was signed by another key, {KEYS.public_key}"
    )
    assert verify_proof(encoded(proof)[:-1]) == NotProved("document", "this is no proof: Input data was truncated")


def test_a_canonical_form_of_another_transaction_is_noticed() -> None:
    proof = proof_of()
    shown = msgspec.structs.replace(proof.transaction, points=9_999)
    refused = verify_proof(encoded(msgspec.structs.replace(proof, transaction=shown)))
    assert refused == NotProved("canonical form", "it is of another transaction than the one shown")


def test_a_canonical_form_of_a_later_format_is_read_as_far_as_it_is_known() -> None:
    made = transaction(1)
    text = canonical_form(made).decode()[:-1] + ',{"hold":5}]'
    digest = hashlib.sha256(bytes(32) + text.encode()).digest()
    leaf = transaction_leaf(digest, public_form(made))
    lane = SealedLane(0, 1, 1, 1, digest.hex(), merkle_root([leaf]).hex())
    document = seal((lane,))
    proof = Proof(
        format="citypoints-proof-1",
        transaction=public_form(made),
        hash=digest.hex(),
        canonical_form=CanonicalForm("00" * 32, text),
        lane_path=(),
        lane=lane,
        seal_path=(),
        seal=document.seal,
        signature=document.signature,
    )
    assert verify_proof(encoded(proof)) == proof


HOSTILE: dict[str, Any] = {
    "no object": [1, 2],
    "nothing": {},
    "a longer path than any tree has": {"lane_path": ["00" * 32] * 65},
    "a negative sequence": {"transaction": {"sequence": -4}},
    "a lane beyond all": {"transaction": {"lane": 4_096}, "lane": {"lane": 4_096}},
    "a number beyond 64 bits": {"transaction": {"points": 1 << 80}},
    "a negative number beyond 64 bits": {"transaction": {"member": -(1 << 80)}},
    "a last number beyond 64 bits": {"lane": {"last": 1 << 80}},
    "an instant that is no date": {"transaction": {"recorded_at": 1 << 62}},
    "a first number of zero": {"lane": {"first": 0}},
    "points in words": {"transaction": {"points": "250"}},
    "points with a fraction": {"transaction": {"points": 250.5}},
    "a digest in capitals": {"hash": "AB" * 32},
    "a digest with a line end": {"hash": "ab" * 32 + "\n"},
    "a short key": {"seal": {"public_key": "ab"}},
    "an unknown field": {"note": "trust me"},
    "another format": {"format": "citypoints-proof-9"},
    "a seal of another format": {"seal": {"format": "citypoints-seal-9"}},
    "a form that is no JSON": {"canonical_form": {"text": "[[[["}},
    "a form too deep": {"canonical_form": {"text": "[" * 100_000}},
    "lanes without end": {"seal": {"lanes": 1 << 70}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_proof_is_refused_in_order(name: str) -> None:
    changes = HOSTILE[name]
    document = json.loads(encoded(proof_of()))
    if isinstance(changes, dict) and changes:
        for field, change in changes.items():
            document[field] = document[field] | change if isinstance(change, dict) else change
    else:
        document = changes
    assert isinstance(verify_proof(json.dumps(document).encode()), NotProved)


@pytest.mark.parametrize(
    "document",
    [b"", b"\xff\xfe", b"{" * 200_000, b"[" * 200_000, b"\x00" * 100, b" " * (MAXIMUM_PROOF_BYTES + 1)],
    ids=["empty", "no text", "deep objects", "deep lists", "zeros", "too long"],
)
def test_what_is_no_document_is_refused(document: bytes) -> None:
    refused = verify_proof(document)
    assert isinstance(refused, NotProved)
    assert refused.step == "document"


@given(st.integers(0, 2_000), st.integers(0, 255))
def test_a_proof_with_any_byte_changed_is_refused_or_says_the_same(place: int, byte: int) -> None:
    document = bytearray(encoded(proof_of()))
    document[place % len(document)] = byte
    assert verify_proof(bytes(document)) == proof_of() or isinstance(verify_proof(bytes(document)), NotProved)


@given(st.integers(0, 2_000))
def test_a_proof_cut_off_is_refused(length: int) -> None:
    document = encoded(proof_of())
    assert isinstance(verify_proof(document[: min(length, len(document) - 1)]), NotProved)


def test_keys_are_those_of_the_rfc() -> None:
    keys = SealKeys(bytes.fromhex(RFC_SEED))
    assert keys.public_key == RFC_PUBLIC_KEY
    assert keys.sign(b"").startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
    assert is_signed(RFC_PUBLIC_KEY, b"", keys.sign(b""))
    assert not is_signed(RFC_PUBLIC_KEY, b"x", keys.sign(b""))
    assert not is_signed(RFC_PUBLIC_KEY, b"", "00")


def test_a_key_is_never_shown_and_a_seed_of_another_length_is_refused() -> None:
    assert bytes(range(32)).hex() not in repr(KEYS)
    with pytest.raises(ValueError, match="31 bytes; 32 are wanted"):
        SealKeys(bytes(31))


def test_earlier_keys_are_trusted_besides_the_own_one() -> None:
    assert SealKeys(bytes(range(32)), [RFC_PUBLIC_KEY]).trusted == {KEYS.public_key, RFC_PUBLIC_KEY}


@pytest.mark.parametrize(
    "text", ["", "zz" * 32, "ab" * 31, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each library says it in its own words
        parse_public_key(text)


def test_a_public_key_is_read_in_hexadecimal_and_in_pem() -> None:
    assert parse_public_key(f" {RFC_PUBLIC_KEY.upper()}\n") == RFC_PUBLIC_KEY
    assert parse_public_key(public_key_as_pem(RFC_PUBLIC_KEY)) == RFC_PUBLIC_KEY


def test_a_fingerprint_is_the_start_of_the_keys_hash_in_groups() -> None:
    groups = fingerprint(RFC_PUBLIC_KEY).split()
    assert [len(group) for group in groups] == [4] * 10
    assert hashlib.sha256(bytes.fromhex(RFC_PUBLIC_KEY)).hexdigest().startswith("".join(groups))


def test_a_seal_can_be_checked_with_openssl_alone(tmp_path: Path) -> None:
    document = seal((SealedLane(0, 1, 0, 1, NO_SEAL, merkle_root([]).hex()),))
    (tmp_path / "key.pem").write_text(public_key_as_pem(document.seal.public_key))
    (tmp_path / "seal").write_bytes(signed_bytes(document.seal))
    (tmp_path / "signature").write_bytes(bytes.fromhex(document.signature))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "seal"]
    try:
        done = subprocess.run(
            [*command, "-sigfile", "signature"], cwd=tmp_path, check=False, capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("this machine has no openssl")
    assert done.returncode == 0, done.stdout + done.stderr
