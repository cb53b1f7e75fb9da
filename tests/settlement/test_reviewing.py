"""What a reviewer is shown: what changed, what is unusual, what must hold, and what is next; all of it pure."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Posting
from ledger.rules.money_postings import MoneyAccount
from settlement.batches import Batch, BatchInputs, Step, documents
from settlement.comparing import changes
from settlement.figures import BatchFigures
from settlement.lines import StatementLine
from settlement.next_steps import NextStep, OpenBatch, next_step
from settlement.people import Person
from settlement.proofs import proofs
from settlement.roll_forward import Position
from settlement.terms import Beneficiary, ContractTerms
from settlement.unusual import LEAST_MINOR, RULES, Surroundings, unusual

DAY = date(2026, 11, 23)
BANK, CAFE, CINEMA = 1, 2, 3
AROUND = Surroundings()
HOME = Beneficiary("Café", "6222020200112233445", "102290000010")


@dataclass
class Made:
    """A batch with these nets; its fee makes them sum to zero."""

    nets: dict[int, int]
    number: int = 0
    accounts: dict[int, Beneficiary | None] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def batch(self) -> Batch:
        terms = [
            ContractTerms(
                partner=party,
                programme=1,
                version=1,
                starts_on=DAY,
                currency="CNY",
                beneficiary=self.accounts.get(party, HOME),
            )
            for party in sorted({*self.nets, *self.accounts})
        ]
        figures = BatchFigures(
            **{
                "lines": (),
                "positions": (),
                "money": (),
                "points": (),
                "nets": self.nets,
                "service_fee_minor": -sum(self.nets.values()),
                **dict.fromkeys(_ZEROS, 0),
                **self.more,
            }
        )
        day = DAY + timedelta(days=self.number)
        inputs = BatchInputs(
            programme="CITY",
            currency="CNY",
            days=(day,),
            ranges=(),
            terms=tuple(terms),
            quotes={},
            leads={},
            obligation_minor=0,
            deferred_fee_minor=0,
        )
        return Batch(
            id=f"CITY-{day:%Y%m%d}-1",
            programme=1,
            first_day=day,
            last_day=day,
            revision=1,
            state="draft",
            digest=documents(inputs, figures)[2],
            inputs=inputs,
            figures=figures,
            steps=(Step("draft", "Wang Fang", 0, "run"),),
        )


_ZEROS = (
    "commission_minor",
    "variance_and_rounding_minor",
    "obligation_change_minor",
    "obligation_closing_minor",
    "deferred_fee_closing_minor",
    "deferred_fee_change_minor",
    "vat_minor",
    "breakage_minor",
    "goodwill_minor",
)


def found(batch: Batch, *earlier: Batch, around: Surroundings = AROUND) -> list[tuple[str, int | None]]:
    return [(one.rule, one.party) for one in unusual(batch, earlier, around)]


def test_changes_name_new_and_missing_parties_and_come_by_size() -> None:
    listed = changes({BANK: -10_000, CAFE: 500}, {BANK: -12_500, CINEMA: 300})
    assert [(one.party, one.standing, one.difference_minor, one.difference_permille) for one in listed] == [
        (BANK, "changed", -2_500, -250),
        (CAFE, "missing", -500, None),
        (CINEMA, "new", 300, None),
    ]
    [same] = changes({CAFE: 5}, {CAFE: 5})
    assert (same.standing, same.difference_permille) == ("same", 0)
    [from_nothing] = changes({CAFE: 0}, {CAFE: 5})
    assert from_nothing.difference_permille is None


def test_an_amount_is_much_more_only_above_three_times_the_middle_and_above_a_small_sum() -> None:
    earlier = [Made({CAFE: LEAST_MINOR * factor}, -number).batch() for number, factor in enumerate((1, 1, 90), 1)]
    assert found(Made({CAFE: LEAST_MINOR * 3}).batch(), *earlier) == []
    assert found(Made({CAFE: LEAST_MINOR * 3 + 1}).batch(), *earlier) == [("much-more", CAFE)]
    [finding] = unusual(Made({CAFE: LEAST_MINOR * 4}).batch(), earlier, AROUND)
    assert (finding.now_minor, finding.usual_minor) == (LEAST_MINOR * 4, LEAST_MINOR)
    little = [Made({CAFE: 1}, -1).batch()]
    assert found(Made({CAFE: LEAST_MINOR - 1}).batch(), *little) == []


def test_only_the_last_few_batches_say_what_is_usual() -> None:
    recent = [Made({CAFE: 100}, -number).batch() for number in range(1, 6)]
    old = [Made({CAFE: -100_000}, -number).batch() for number in range(6, 20)]
    assert found(Made({CAFE: -LEAST_MINOR}).batch(), *recent, *old) == [
        ("much-more", CAFE),
        ("first-negative", CAFE),
    ]


def test_a_first_batch_has_nobody_new_in_it() -> None:
    assert found(Made({BANK: -50_000, CAFE: 40_000}).batch()) == []


def test_a_party_that_is_paid_again_after_paying_is_a_new_payee_and_a_steady_one_is_not() -> None:
    before = Made({BANK: -50_000, CAFE: 100}, -1).batch()
    assert found(Made({BANK: 20, CAFE: 100}).batch(), before) == [("new-payee", BANK)]
    assert found(Made({CINEMA: 20}).batch(), before) == [("new-payee", CINEMA)]


def test_a_changed_account_is_told_first_and_a_first_account_is_no_change() -> None:
    other = Beneficiary("Café", "6222020200999999999", "102290000010")
    before = Made({CAFE: 100}, -1).batch()
    now = Made({CAFE: 100_000}, accounts={CAFE: other}).batch()
    assert found(now, before) == [("account-changed", CAFE), ("much-more", CAFE)]
    without = Made({CAFE: 100}, -1, accounts={CAFE: None}).batch()
    assert found(Made({CAFE: 100}).batch(), without) == []
    assert found(without, before) == [("account-changed", CAFE), ("no-account", CAFE)]


def test_what_stands_around_a_batch_is_counted() -> None:
    around = Surroundings(
        without_terms=(CINEMA,), adjustments=1, adjustments_waiting=2, suspense_items=3, open_disputes=4
    )
    late = StatementLine(party=CAFE, kind="redemption_gross", version=1, amount_minor=1, points=1, late_points=7)
    listed = unusual(Made({}, more={"lines": (late,)}).batch(), [], around)
    assert [(one.rule, one.party, one.count) for one in listed] == [
        ("no-terms", CINEMA, None),
        ("late-points", None, 7),
        ("adjustments", None, 1),
        ("adjustments-waiting", None, 2),
        ("suspense", None, 3),
        ("disputes", None, 4),
    ]
    assert len(set(RULES)) == len(RULES)


def failing(batch: Batch, before: Batch | None = None, balances: dict[Any, int] | None = None) -> list[str]:
    return [one.name for one in proofs(batch, before, balances) if not one.holds]


def test_each_proof_fails_alone_where_its_equation_is_broken() -> None:
    good = Made({BANK: -100, CAFE: 60}).batch()
    assert failing(good, None, {}) == []
    assert failing(replace(good, digest=b"x" * 32)) == ["unaltered"]
    assert failing(Made({BANK: -100}, more={"service_fee_minor": 99}).batch()) == ["sums-to-zero"]
    obligation = (int(MoneyAccount.REDEMPTION_OBLIGATION), 0, "CNY")
    assert failing(good, None, {obligation: -1}) == ["rests-on-books"]
    redeemed = Position(funding=1, version=1, issued=10, redeemed=4, restored=1)
    back = Posting(AccountKind.REDEEMED, CAFE, AccountKind.ISSUANCE, 1, 3)
    settled = Made({}, more={"positions": (redeemed,), "points": (back,)}).batch()
    assert failing(settled) == []
    assert failing(Made({}, more={"positions": (redeemed,)}).batch()) == ["points-settled"]


def test_the_roll_forward_must_begin_where_the_batch_before_ended() -> None:
    ended = Made({}, -1, more={"positions": (Position(funding=1, version=1, issued=10),)}).batch()
    goes_on = Made({}, more={"positions": (Position(funding=1, version=1, opening=10),)}).batch()
    assert failing(goes_on, ended) == []
    assert failing(goes_on) == ["rolls-forward"]
    assert failing(Made({}).batch(), ended) == ["rolls-forward"]


CLERK, APPROVER, AUDITOR = (
    Person(name, frozenset({role}))
    for name, role in (("wang", "finance-clerk"), ("li", "finance-approver"), ("su", "auditor"))
)
COMING = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("states", "closable", "waiting", "expected", "own"),
    [
        (["draft"], DAY, [DAY], ("submit", "B0", None), (True, False, False)),
        (["submitted"], None, [], ("approve", "B0", None), (False, True, False)),
        (["draft", "approved"], None, [], ("instruct", "B1", None), (True, False, False)),
        (["instructed"], DAY, [], ("close-day", None, DAY), (True, False, False)),
        ([], None, [DAY, COMING], ("run", None, COMING), (True, False, False)),
        (["instructed", "confirmed"], None, [], ("close", "B1", None), (True, False, False)),
        (["partly_confirmed"], None, [], ("await-bank", "B0", None), (False, False, False)),
        ([], None, [], ("await-cut-off", None, COMING), (False, False, False)),
    ],
)
def test_the_next_thing_is_what_keeps_the_others_waiting(
    states: list[str],
    closable: date | None,
    waiting: list[date],
    expected: tuple[str, str | None, date | None],
    own: tuple[bool, bool, bool],
) -> None:
    batches = [OpenBatch(f"B{number}", state, frozenset({"wang"})) for number, state in enumerate(states)]
    for person, is_own in zip((CLERK, APPROVER, AUDITOR), own, strict=True):
        doing, batch, day = expected
        wanted = NextStep(doing, batch, day, is_own)  # type: ignore[arg-type]
        assert next_step(person, batches, closable, waiting, COMING) == wanted, person


def test_a_payment_that_came_back_is_next_once_days_and_batches_have_gone_on() -> None:
    confirmed = [OpenBatch("B", "confirmed", frozenset())]
    assert next_step(CLERK, confirmed, None, [], COMING, came_back="A") == NextStep("pay-again", "A", is_own=True)
    assert next_step(APPROVER, confirmed, None, [], COMING, came_back="A") == NextStep("pay-again", "A")
    assert next_step(CLERK, confirmed, DAY, [], COMING, came_back="A").doing == "close-day"


def test_who_prepared_a_batch_is_not_asked_to_approve_it() -> None:
    both = Person("wang", frozenset({"finance-clerk", "finance-approver"}))
    batch = OpenBatch("B", "submitted", frozenset({"wang"}))
    assert not next_step(both, [batch], None, [], COMING).is_own
    assert next_step(both, [replace(batch, prepared_by=frozenset({"zhao"}))], None, [], COMING).is_own
