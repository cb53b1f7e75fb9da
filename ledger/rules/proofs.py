"""Proofs: that the operator sealed a transaction, for anybody to check with nothing but the proof and a public key."""

import hashlib
from collections.abc import Collection
from typing import Annotated, Final, Literal

import msgspec

from ledger.ids import transaction_id
from ledger.rules.journal import Transaction
from ledger.rules.merkle import root_by_path
from ledger.rules.seal_keys import is_signed
from ledger.rules.seals import (
    Digest,
    Seal,
    SealedLane,
    SealedTransaction,
    Signature,
    lane_leaf,
    public_form,
    signed_bytes,
    transaction_leaf,
)

PROOF_FORMAT: Final = "citypoints-proof-1"
MAXIMUM_PROOF_BYTES = 4 * 1024 * 1024
MAXIMUM_PATH = 64

Path = Annotated[tuple[Digest, ...], msgspec.Meta(max_length=MAXIMUM_PATH)]


class CanonicalForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text that the lane's chain hashes, after the hash ``previous``: the whole transaction, balance included."""

    previous: Digest
    text: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A transaction with what leads from it to a seal.

    ``hash`` is the transaction's in its lane's chain; ``canonical_form`` is there only for who may see the member's
    balance, and not needed. The transaction is leaf ``transaction.sequence - lane.first`` of the lane's tree, the
    lane is leaf ``lane.lane`` of the seal's; paths lead from the leaf's sibling up.
    """

    format: Literal["citypoints-proof-1"]
    transaction: SealedTransaction
    hash: Digest
    canonical_form: CanonicalForm | None
    lane_path: Path
    lane: SealedLane
    seal_path: Path
    seal: Seal
    signature: Signature

    @property
    def transaction_id(self) -> str:
        """The id by which the ledger's answers name the transaction."""
        transaction = self.transaction
        digest = bytes.fromhex(self.hash)
        return transaction_id(transaction.recorded_at, transaction.lane, transaction.sequence, digest)


class NotProved(msgspec.Struct, frozen=True):
    """A proof that does not hold: the step that failed and why."""

    step: Literal["document", "canonical form", "lane root", "seal root", "signature", "public key"]
    reason: str


def verify_proof(document: bytes, public_keys: Collection[str] | None = None) -> Proof | NotProved:
    """Check a proof, and that it was signed by one of the keys (64 hexadecimal digits) where the verifier has any."""
    if len(document) > MAXIMUM_PROOF_BYTES:
        return NotProved("document", f"got {len(document)} bytes, wanted at most {MAXIMUM_PROOF_BYTES}")
    try:
        proof = msgspec.json.decode(document, type=Proof)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return NotProved("document", f"this is no proof: {error}")
    return (
        _check_canonical_form(proof)
        or _check_lane_root(proof)
        or _check_seal_root(proof)
        or _check_signature(proof, public_keys)
        or proof
    )


def _check_canonical_form(proof: Proof) -> NotProved | None:
    form = proof.canonical_form
    if form is None:
        return None
    if hashlib.sha256(bytes.fromhex(form.previous) + form.text.encode()).hexdigest() != proof.hash:
        return NotProved("canonical form", "its hash after the previous one is not the transaction's")
    try:
        transaction = msgspec.json.decode(form.text, type=Transaction)
    except (msgspec.DecodeError, RecursionError) as error:
        return NotProved("canonical form", f"it is no transaction: {error}")
    if public_form(transaction) != proof.transaction:
        return NotProved("canonical form", "it is of another transaction than the one shown")
    return None


def _check_lane_root(proof: Proof) -> NotProved | None:
    transaction, lane = proof.transaction, proof.lane
    if transaction.lane != lane.lane or not lane.first <= transaction.sequence <= lane.last:
        reason = f"transaction {transaction.sequence} of lane {transaction.lane} is not in what was sealed of the lane"
        return NotProved("lane root", reason)
    leaf = transaction_leaf(bytes.fromhex(proof.hash), transaction)
    index = transaction.sequence - lane.first
    root = root_by_path(leaf, index, lane.transactions, _steps(proof.lane_path))
    if root is None or root.hex() != lane.root:
        return NotProved("lane root", "the path does not lead from the transaction to the lane's root")
    return None


def _check_seal_root(proof: Proof) -> NotProved | None:
    root = root_by_path(lane_leaf(proof.lane), proof.lane.lane, proof.seal.lanes, _steps(proof.seal_path))
    if root is None or root.hex() != proof.seal.root:
        return NotProved("seal root", "the path does not lead from the lane to the seal's root")
    return None


def _check_signature(proof: Proof, public_keys: Collection[str] | None) -> NotProved | None:
    if not is_signed(proof.seal.public_key, signed_bytes(proof.seal), proof.signature):
        return NotProved("signature", "the seal was not signed by the key that it carries")
    if public_keys is not None and proof.seal.public_key not in public_keys:
        return NotProved("public key", f"the seal was signed by another key, {proof.seal.public_key}")
    return None


def _steps(path: tuple[str, ...]) -> list[bytes]:
    return [bytes.fromhex(step) for step in path]
