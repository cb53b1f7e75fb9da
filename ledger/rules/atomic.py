"""Atomic commands: items that post together or not at all.

The items are decided in order on one state, each seeing the effect of those before it, just as if they had
come alone. Where one is refused the state is thrown away and the refusal of the whole is recorded alone; so
the keys of the items bind only if all of them post.
"""

from collections.abc import Callable

import msgspec

from ledger.ids import Place
from ledger.rules.commands import Atomic, Submission
from ledger.rules.outcomes import Decided, Decision, KeyReused, Needs, Posted, Refused, Replayed
from ledger.rules.recording import record, refusal_facts
from ledger.rules.state import KeyRecord, LedgerState

Decide = Callable[[Submission, LedgerState], Decision]


class AtomicRecord(msgspec.Struct, frozen=True):
    """What is kept under the key of an atomic command: of each item its lane, sequence and transactions."""

    atomic: tuple[tuple[int, int, int], ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AtomicRecord).decode
_decode_refused = msgspec.json.Decoder(Refused).decode


def decide_atomic(
    submission: Submission, state: LedgerState, decide: Decide
) -> Posted | Refused | Replayed | KeyReused | Needs:
    """Decide and record all items, or say why not; unless it is Posted, the state must be thrown away."""
    known = state.keys.get(submission.key_digest)
    if known is not None:
        return Replayed(known) if known.request_digest == submission.request_digest else KeyReused()
    done: list[Posted | Replayed] = []
    for index, item in enumerate(submission.items):
        if item.key_digest == submission.key_digest:
            return _refused(submission, index, KeyReused())
        decision = decide(item, state)
        if isinstance(decision, Decided):
            done.append(record(state, item, decision))
        elif isinstance(decision, Replayed) and decision.record.answer is None:
            done.append(decision)
        elif isinstance(decision, Refused | Replayed | KeyReused):
            return _refused(submission, index, decision)
        else:
            return decision
    places = tuple(_place(outcome) for outcome in done)
    key = KeyRecord(submission.key_digest, submission.request_digest, None, None, 0, _encode(AtomicRecord(places)))
    state.keys[key.digest] = key
    state.new_keys.append(key)
    entries = tuple(entry for outcome in done if isinstance(outcome, Posted) for entry in outcome.entries)
    return Posted(entries, (), "", {}, items=tuple(done))


def places_of_items(answer: bytes | None) -> list[Place] | None:
    """Where the items of an atomic command are, by what its key keeps; None where the key keeps anything else."""
    if answer is None:
        return None
    try:
        items = _decode(answer).atomic
    except msgspec.ValidationError:
        return None
    return [Place(lane, sequence + number) for lane, sequence, count in items for number in range(count)]


def _place(outcome: Posted | Replayed) -> tuple[int, int, int]:
    if isinstance(outcome, Posted):
        first = outcome.own_entries[0].transaction
        return first.lane, first.sequence, len(outcome.own_entries)
    record = outcome.record
    return record.lane or 0, record.sequence or 0, record.transactions


def _refused(submission: Submission, index: int, decision: Refused | Replayed | KeyReused) -> Refused:
    command = submission.command
    assert isinstance(command, Atomic)  # noqa: S101 - only its submissions have items
    if isinstance(decision, Replayed):
        decision = _decode_refused(decision.record.answer or b"")
    if isinstance(decision, KeyReused):
        decision = Refused("idempotency-key-reused", "The item's key was used before, with another request.")
    facts = refusal_facts(decision, shows_balance=submission.items[index].shows_balance)
    return Refused(
        "bulk-item-refused",
        f"Item {index} is refused, so nothing is posted: {decision.detail}",
        {"item": index, "key": command.items[index].key, "refusal": {"code": decision.code, **facts}},
    )
