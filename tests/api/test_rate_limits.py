"""Quotas in fixed windows."""

import pytest
from litestar.exceptions import TooManyRequestsException

from api.rate_limits import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_quota_is_used_up_by_each_caller_and_comes_back_with_the_next_window() -> None:
    clock = Clock()
    limit = RateLimit("quotes", 2, 60, clock)
    assert limit.take("p:1") == {"RateLimit-Policy": '"quotes";q=2;w=60', "RateLimit": '"quotes";r=1;t=20'}
    assert limit.take("p:1")["RateLimit"] == '"quotes";r=0;t=20'
    with pytest.raises(TooManyRequestsException) as refused:
        limit.take("p:1")
    assert refused.value.headers == {
        "RateLimit-Policy": '"quotes";q=2;w=60',
        "RateLimit": '"quotes";r=0;t=20',
        "Retry-After": "20",
    }
    assert limit.take("p:2")["RateLimit"] == '"quotes";r=1;t=20'
    clock.now += 20
    assert limit.take("p:1")["RateLimit"] == '"quotes";r=1;t=60'
