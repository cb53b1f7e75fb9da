"""Charts as coordinates: what is where, in hundredths of a row."""

from api.pages.charts import LEAST_WIDTH, TONES, Segment, bars, stacked, waterfall


def test_the_longest_bar_takes_the_whole_row_and_others_their_share() -> None:
    drawn = bars([50, 200, 0])
    assert drawn.zero == 0
    assert drawn.rows == ((Segment(0, 25),), (Segment(0, 100),), ())


def test_bars_below_zero_lie_to_its_left() -> None:
    drawn = bars([300, -100])
    assert drawn.zero == 25
    assert drawn.rows == ((Segment(25, 75),), (Segment(0, 25),))


def test_parts_follow_one_another_and_keep_their_numbers() -> None:
    drawn = stacked([(10, 30), (0, 40), (20, 0)])
    assert drawn.rows == ((Segment(0, 25, 0), Segment(25, 75, 1)), (Segment(0, 100, 1),), (Segment(0, 50, 0),))


def test_debits_and_credits_of_one_row_lie_on_both_sides() -> None:
    drawn = stacked([(60, -40)])
    assert drawn.zero == 40
    assert drawn.rows == ((Segment(40, 60, 0), Segment(0, 40, 1)),)


def test_more_parts_than_tones_share_the_last_one() -> None:
    [row] = stacked([[1] * (TONES + 2)]).rows
    assert [piece.tone for piece in row] == [0, 1, 2, 3, 4, 4, 4]


def test_a_waterfall_goes_from_the_opening_to_the_closing() -> None:
    drawn = waterfall(100, [100, -50, 0])
    assert drawn.zero == 0
    opening, up, down, nothing, closing = drawn.rows
    assert (opening, closing) == ((Segment(0, 50),), (Segment(0, 75),))
    assert (up, down, nothing) == ((Segment(50, 50, 1),), (Segment(75, 25, 2),), ())


def test_a_waterfall_may_go_below_zero() -> None:
    drawn = waterfall(0, [-10, 20])
    assert drawn.zero == 50
    assert drawn.rows == ((), (Segment(0, 50, 2),), (Segment(0, 100, 1),), (Segment(50, 50),))


def test_what_is_not_zero_can_be_seen_and_stays_inside() -> None:
    drawn = bars([1_000_000, 1])
    assert drawn.rows[1] == (Segment(0, LEAST_WIDTH),)
    [*_, last] = waterfall(1_000_000, [1, -1]).rows[1:3]
    assert last[0].start + last[0].width <= 100


def test_nothing_is_drawn_of_nothing() -> None:
    assert bars([]).rows == ()
    assert bars([0, 0]).rows == ((), ())
    assert stacked([(0, 0)]).rows == ((),)
    assert waterfall(0, []).rows == ((), ())


def test_a_part_bears_its_number_only_where_it_fits() -> None:
    wide, narrow = bars([100, 3]).rows
    assert (wide[0].has_room, wide[0].middle) == (True, 50)
    assert not narrow[0].has_room
