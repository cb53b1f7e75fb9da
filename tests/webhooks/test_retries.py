"""When a failed delivery is tried again: the policy alone."""

import pytest

from api.webhooks.retries import RetryPolicy

HOURS, DAYS = 3600, 86_400
EXACT = RetryPolicy(jitter=0)


def test_delays_double_from_five_seconds_up_to_six_hours() -> None:
    delays = [EXACT.delay_milliseconds(failures, 0.5) / 1000 for failures in range(1, 20)]
    assert delays[:4] == [5, 10, 20, 40]
    assert delays[12:15] == [20_480, 6 * HOURS, 6 * HOURS]
    assert EXACT.delay_milliseconds(10_000, 0.5) == 6 * HOURS * 1000


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_jitter_stretches_and_shortens_by_a_fifth(chance: float, seconds: float) -> None:
    assert RetryPolicy().delay_milliseconds(1, chance) == seconds * 1000


def test_a_delivery_is_tried_for_three_days_the_last_time_at_their_end_and_is_dead_then() -> None:
    age, attempts = 0.0, 0
    for _ in range(1000):
        attempts += 1
        delay = EXACT.next_attempt_milliseconds(attempts, age, 0.5)
        if delay is None:
            break
        age += delay / 1000
    assert age == 3 * DAYS
    assert 20 < attempts < 30


def test_a_failing_receiver_gets_one_attempt_at_a_time_ever_more_seldom() -> None:
    assert [EXACT.may_fly(failures) for failures in (0, 4, 5, 100)] == [8, 8, 1, 1]
    assert [EXACT.probe_after_milliseconds(failures, 0.5) for failures in (4, 5, 6, 7)] == [None, 5000, 10_000, 20_000]


def test_a_claim_outlives_the_longest_attempt() -> None:
    assert RetryPolicy().lease_seconds > 2 * RetryPolicy().attempt_seconds
