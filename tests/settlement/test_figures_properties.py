"""Whatever happened to points, a batch's figures are those of a simple model, to the minor unit."""

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.figures import BatchFigures
from settlement.lines import IN_FAVOUR
from settlement.rounding import half_even, share
from tests.settlement.histories import after, check_batch, cities, histories, moved, settled_of
from tests.settlement.model_of_a_batch import City, Event, divided, nearest

several_parts = st.dictionaries(st.integers(1, 9), st.integers(1, 50), min_size=1, max_size=6)


@given(city=cities(), events=histories)
@settings(max_examples=100)
def test_every_line_and_every_account_is_as_the_model_says(city: City, events: list[Event]) -> None:
    check_batch(city, events, [], settled_of(city, events))


@given(city=cities(), events=histories, cut=st.integers(0, 40))
@settings(max_examples=50)
def test_two_batches_or_one_come_to_the_same_points_and_the_same_obligation(
    city: City, events: list[Event], cut: int
) -> None:
    once = settled_of(city, events)
    first = settled_of(city, events[:cut])
    second = settled_of(city, events[cut:], after(first))
    check_batch(city, events[cut:], events[:cut], second)
    assert second.obligation_closing_minor == once.obligation_closing_minor
    assert second.deferred_fee_closing_minor == once.deferred_fee_closing_minor
    left = [(p.funding, p.version, p.closing, p.owed_closing) for p in second.positions]
    assert [p for p in left if any(p[2:])] == [
        (p.funding, p.version, p.closing, p.owed_closing) for p in once.positions if p.closing or p.owed_closing
    ]


@given(city=cities(), events=histories, seed=st.integers())
@settings(max_examples=30)
def test_the_order_of_flows_changes_nothing(city: City, events: list[Event], seed: int) -> None:
    shuffled = list(events)
    random.Random(seed).shuffle(shuffled)
    assert settled_of(city, shuffled) == settled_of(city, events)


@given(city=cities(), events=histories)
@settings(max_examples=50)
def test_parties_and_operator_come_to_zero(city: City, events: list[Event]) -> None:
    figures = settled_of(city, events)
    assert -sum(figures.nets.values()) == with_the_operator(figures)
    assert sum(figures.nets.values()) == figures.pay_out_minor - figures.collect_minor
    for party, net in figures.nets.items():
        assert net == sum(line.net_minor for line in figures.lines if line.party == party)
    assert all(posting.amount_minor > 0 for posting in figures.money)
    for currency in ("CNY", "THB", "JPY"):
        assert sum(amount for (of, _, _), amount in moved(figures).items() if of == currency) == 0


def with_the_operator(figures: BatchFigures) -> int:
    return (
        figures.obligation_change_minor
        + figures.deferred_fee_change_minor
        + figures.service_fee_minor
        + figures.commission_minor
        + figures.exchange_margin_minor
        + figures.variance_and_rounding_minor
        + figures.vat_minor
        + figures.breakage_minor
        - figures.goodwill_minor
    )


@given(city=cities(), events=histories)
@settings(max_examples=50)
def test_what_is_above_a_lots_original_brings_nothing_back(city: City, events: list[Event]) -> None:
    refunds = ("clawback", "recovery", "expire")
    all_above = [event._replace(excess=event.points) if event.what in refunds else event for event in events]
    figures = settled_of(city, all_above)
    refunded = {"clawback_refund", "recovery_refund", "expiry_refund", "vat_on_fee_returned"}
    assert not [line for line in figures.lines if line.kind in refunded and line.amount_minor]
    # The points are gone all the same: only what is outstanding is owed to members.
    check_batch(city, all_above, [], figures)


@given(city=cities(), events=histories)
@settings(max_examples=50)
def test_a_statements_lines_of_one_kind_share_all_points(city: City, events: list[Event]) -> None:
    figures = settled_of(city, events)
    issued = sum(event.points for event in events if event.what == "issue")
    late = sum(event.points for event in events if event.what == "redeem" and event.is_late)
    own_issues = [line for line in figures.lines if line.kind == "issue_charge"]
    assert sum(line.points for line in own_issues) <= issued
    assert sum(line.late_points for line in figures.lines if line.kind == "redemption_gross") == late
    assert all(line.amount_minor >= 0 for line in figures.lines)
    assert {line.kind for line in figures.lines} <= set(IN_FAVOUR)


@given(city=cities(), events=histories)
@settings(max_examples=30)
def test_a_batch_without_flows_moves_nothing(city: City, events: list[Event]) -> None:
    before = settled_of(city, events)
    quiet = settled_of(city, [], after(before))
    assert (quiet.lines, quiet.money, quiet.points, quiet.nets) == ((), (), (), {})
    assert quiet.obligation_closing_minor == before.obligation_closing_minor


@given(amount=st.integers(0, 2_000), parts=several_parts)
def test_shares_are_by_the_largest_remainder_and_add_up(amount: int, parts: dict[int, int]) -> None:
    assert share(amount, tuple(parts.items())) == divided(amount, parts)


@given(st.fractions(max_denominator=10_000).filter(lambda exact: abs(exact) < 10**12))
def test_rounding_is_half_to_even(exact: Fraction) -> None:
    assert half_even(exact) == nearest(exact)
