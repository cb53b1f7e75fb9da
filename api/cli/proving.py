"""``citypoints verify-proof``: check a proof with nothing but the proof and a public key."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from api.cli.output import FOUND_SOMETHING_WRONG, AsJson, fail, say_json, warn

if TYPE_CHECKING:
    from ledger.rules.proofs import Proof

MAXIMUM_KEY_FILE_BYTES = 64 * 1024
MAXIMUM_REASON_CHARACTERS = 300
HEX_DIGITS = 64


class ProvedTransaction(msgspec.Struct, frozen=True):
    """What is proved; programme, partner and member are the ledger's own numbers."""

    id: str
    kind: str
    programme: int
    partner: int
    member: int
    points: int
    recorded_at: str
    occurred_at: str
    lane: int
    sequence: int


class ProvedSeal(msgspec.Struct, frozen=True):
    """The seal that proves it."""

    ledger: str
    number: int
    sealed_at: str
    public_key: str
    fingerprint: str


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that holds; without a given key it holds for whoever has signed it."""

    holds: bool
    transaction: ProvedTransaction
    seal: ProvedSeal
    has_canonical_form: bool
    is_key_given: bool


def verify_proof(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What GET /v1/transactions/{id}/proof answered.", show_default=False)
    ],
    *,
    public_key: Annotated[
        str | None,
        typer.Option(
            "--public-key",
            metavar="HEX|FILE",
            help="The operator's key: 64 hexadecimal digits, or a file with them, with PEM, or of /v1/seals/key.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check, offline, that the operator sealed a transaction; the exit code is 1 where the proof does not hold."""
    from ledger.rules.proofs import MAXIMUM_PROOF_BYTES, Proof
    from ledger.rules.proofs import verify_proof as verify

    document = _read(file, "FILE", MAXIMUM_PROOF_BYTES)
    outcome = verify(document, None if public_key is None else _public_keys(public_key))
    if isinstance(outcome, Proof):
        proved = _proved(outcome, is_key_given=public_key is not None)
        if as_json:
            say_json(proved)
        else:
            _say(proved)
        return
    if as_json:
        say_json({"holds": False, "failed_step": outcome.step, "reason": outcome.reason})
        raise typer.Exit(FOUND_SOMETHING_WRONG)
    fail(f"the proof does not hold, at the step {outcome.step!r}: {_printable(outcome.reason)}")


def _read(path: Path, name: str, maximum_bytes: int) -> bytes:
    """Read a file, and no more of it than is wanted; one byte more shows that it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(maximum_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no name of a file"
        raise typer.BadParameter(f"{name}: got {str(path)!r}, which cannot be read ({reason})") from None


def _public_keys(text: str) -> list[str]:
    """The keys that a verifier trusts: one, or in the answer of /v1/seals/key also the earlier ones."""
    from ledger.rules.seal_keys import parse_public_key

    if len(text) != HEX_DIGITS or not text.isalnum():
        try:
            text = _read(Path(text), "--public-key", MAXIMUM_KEY_FILE_BYTES).decode()
        except UnicodeDecodeError:
            text = ""
    try:
        return [parse_public_key(text)] if not text.lstrip().startswith("{") else _published_keys(text)
    except ValueError:
        raise typer.BadParameter(
            "--public-key: got something else, wanted 64 hexadecimal digits, a PEM of Ed25519, or the answer of "
            "/v1/seals/key, in words or in a file"
        ) from None


def _published_keys(text: str) -> list[str]:
    from api.schemas.seals import SealKeyAnswer
    from ledger.rules.seal_keys import parse_public_key

    answer = msgspec.json.decode(text, type=SealKeyAnswer)
    return [parse_public_key(key) for key in (answer.public_key, *(earlier.public_key for earlier in answer.earlier))]


def _say(proved: Proved) -> None:
    made, seal = proved.transaction, proved.seal
    typer.echo(
        f"Proved: a transaction of kind {made.kind} of {made.points} points, in programme {made.programme}, "
        f"by partner {made.partner}, of member {made.member}, recorded at {made.recorded_at} "
        f"as number {made.sequence} of lane {made.lane}, with the id {made.id}."
    )
    typer.echo(
        f"Sealed at {seal.sealed_at} in seal {seal.number} of ledger {seal.ledger}, "
        f"signed by the key with the fingerprint {seal.fingerprint}."
    )
    if proved.has_canonical_form:
        typer.echo("The whole transaction is in the proof too, with what it left the member with, and fits.")
    if not proved.is_key_given:
        warn(
            "Warning: no --public-key was given, so this shows only that somebody signed it. Compare the fingerprint "
            "with one that the operator gave you by another way."
        )


def _proved(proof: "Proof", *, is_key_given: bool) -> Proved:
    from ledger.rules.seal_keys import fingerprint

    made, seal = proof.transaction, proof.seal
    return Proved(
        holds=True,
        transaction=ProvedTransaction(
            id=proof.transaction_id,
            kind=_kind(made.kind),
            programme=made.programme,
            partner=made.partner,
            member=made.member,
            points=made.points,
            recorded_at=_time(made.recorded_at),
            occurred_at=_time(made.occurred_at),
            lane=made.lane,
            sequence=made.sequence,
        ),
        seal=ProvedSeal(
            ledger=seal.ledger,
            number=seal.number,
            sealed_at=_time(seal.sealed_at),
            public_key=seal.public_key,
            fingerprint=fingerprint(seal.public_key),
        ),
        has_canonical_form=proof.canonical_form is not None,
        is_key_given=is_key_given,
    )


def _printable(text: str) -> str:
    """What a stranger's file says must not steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text[:MAXIMUM_REASON_CHARACTERS])


def _kind(number: int) -> str:
    from ledger.rules.journal import TransactionKind

    try:
        return TransactionKind(number).name.lower().replace("_", "-")
    except ValueError:
        return f"number {number}"


def _time(instant: int) -> str:
    from ledger.rules.business_day import to_datetime

    return to_datetime(instant).isoformat(timespec="microseconds").replace("+00:00", "Z")
