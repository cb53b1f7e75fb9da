"""The picture of who pays whom: everything in it adds up, and nothing falls out of it."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.finance.who_pays import FLOW_HEIGHT, MOST_PARTIES, WIDTH, short, who_pays_whom

NETS = st.dictionaries(st.integers(1, 200), st.integers(-(10**12), 10**12), max_size=60)


@pytest.fixture(autouse=True)
def _closed_browsers() -> None:
    """Here no city's browsers are to be closed."""


@given(NETS)
def test_both_sides_come_to_the_same_and_every_party_is_in_it(nets: dict[int, int]) -> None:
    picture = who_pays_whom(nets)
    if picture is None:
        assert not any(nets.values())
        return
    paid, got = (sum(node.amount_minor for node in side) for side in (picture.payers, picture.payees))
    assert paid == got == max(sum(n for n in nets.values() if n > 0), -sum(n for n in nets.values() if n < 0))
    nodes = [*picture.payers, *picture.payees]
    assert sum(node.count for node in nodes if node.party != 0) == sum(net != 0 for net in nets.values())
    assert max(len(picture.payers), len(picture.payees)) <= MOST_PARTIES + 1
    for node in nodes:
        assert 0 <= node.x <= WIDTH
        assert node.height > 0
        assert node.y + node.height <= picture.height
        numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", node.band)]
        assert all(0 <= number <= picture.height + WIDTH for number in numbers)


@given(NETS)
def test_bars_of_one_side_do_not_lie_over_each_other(nets: dict[int, int]) -> None:
    picture = who_pays_whom(nets)
    for side in () if picture is None else (picture.payers, picture.payees):
        for upper, lower in itertools.pairwise(side):
            assert upper.y + upper.height <= lower.y


def test_what_is_paid_more_than_got_stays_with_the_operator_and_less_comes_from_it() -> None:
    stays = who_pays_whom({1: -100, 2: 60})
    assert stays is not None
    assert [(node.party, node.amount_minor) for node in stays.payees] == [(2, 60), (0, 40)]
    assert stays.payers[0].height == FLOW_HEIGHT
    comes = who_pays_whom({1: -100, 2: 160})
    assert comes is not None
    assert [(node.party, node.amount_minor) for node in comes.payers] == [(1, 100), (0, 60)]


def test_a_long_name_is_cut_where_it_would_leave_the_picture() -> None:
    assert short("老街茶馆 Old Street Tea House") == "老街茶馆 Old St…"
    assert short("Partner CAFE") == "Partner CAFE"
