"""A member's code: its digits, and that one posting spends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.commands import Atomic, AtomicItem
from ledger.rules.member_codes import CODE_DIGITS, DRAWN_DIGITS, is_code, with_check_digits
from ledger.rules.outcomes import KeyReused, Posted, Refused, Replayed
from ledger.rules.state import CodeState
from tests.builders import earn, redeem
from tests.rules.ledger_in_memory import LedgerInMemory

CODE = b"digest of a code"


@pytest.fixture
def ledger() -> LedgerInMemory:
    """A ledger in which member 1 has a hundred points and shows a code."""
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    ledger.state.codes[CODE] = CodeState(lane=1, member=1, is_expired=False)
    return ledger


@given(st.integers(min_value=0, max_value=10**DRAWN_DIGITS - 1), st.data())
def test_every_slip_of_one_digit_and_of_two_neighbours_is_found(drawn: int, data: st.DataObject) -> None:
    digits = with_check_digits(drawn)
    assert len(digits) == CODE_DIGITS
    assert is_code(digits)
    at = data.draw(st.integers(min_value=0, max_value=CODE_DIGITS - 2))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != digits[at]]))
    assert not is_code(f"{digits[:at]}{other}{digits[at + 1 :]}")
    swapped = f"{digits[:at]}{digits[at + 1]}{digits[at]}{digits[at + 2 :]}"
    assert is_code(swapped) == (swapped == digits)


@pytest.mark.parametrize("digits", ["", "1", "01", "٠" * CODE_DIGITS, "0" * 21, "0" * 19 + " ", "-" + "0" * 19])
def test_what_has_another_form_is_no_code(digits: str) -> None:
    assert not is_code(digits)


@given(st.lists(st.tuples(st.booleans(), st.integers(min_value=1, max_value=150)), max_size=6))
def test_of_any_commands_with_one_code_the_first_that_can_be_posted_spends_it(wanted: list[tuple[bool, int]]) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    ledger.state.codes[CODE] = CodeState(lane=1, member=1, is_expired=False)
    is_spent = False
    for number, (earns, points) in enumerate(wanted):
        command = earn(points) if earns else redeem(points)
        outcome = ledger.submit(ledger.submission(command, key=f"c{number}", code=CODE))
        can_be_posted = earns or points <= 100
        if is_spent:
            assert isinstance(outcome, Refused)
            assert outcome.code == "code-used"
        elif can_be_posted:
            assert isinstance(outcome, Posted)
            is_spent = True
        else:
            assert isinstance(outcome, Refused)
            assert outcome.code == "insufficient-points"
        assert (ledger.state.codes[CODE].used is not None) == is_spent


def test_the_key_is_recognised_before_the_code(ledger: LedgerInMemory) -> None:
    first = ledger.submission(earn(5), key="once", code=CODE)
    assert isinstance(ledger.submit(first), Posted)
    assert isinstance(ledger.submit(ledger.submission(earn(5), key="once", code=CODE)), Replayed)
    ledger.state.codes.clear()
    assert isinstance(ledger.submit(ledger.submission(earn(5), key="once", member=None)), Replayed)
    assert isinstance(ledger.submit(ledger.submission(earn(6), key="once", code=CODE)), KeyReused)


def test_an_atomic_command_cannot_use_one_code_twice(ledger: LedgerInMemory) -> None:
    items = tuple(AtomicItem(f"i{number}", earn(number)) for number in (1, 2))
    refused = ledger.refuse(Atomic(items=items), code=CODE)
    assert refused.facts["refusal"] == {"code": "code-used"}
    assert ledger.points().available == 100


def test_a_code_that_is_not_there_any_more_or_is_another_members_names_nobody(ledger: LedgerInMemory) -> None:
    assert ledger.refuse(earn(1), code=b"another").code == "member-not-found"
    ledger.state.codes[CODE] = CodeState(lane=0, member=2, is_expired=False)
    assert ledger.refuse(earn(1), code=CODE).code == "member-not-found"
