"""Which segments belong behind a base backup, and what is a gap: names and numbers by hand."""

import pytest

from ledger.embedded.wal_chain import SEGMENT_BYTES, Chain, History, Segment, find_chain, newest_history, position

FIRST = History(1)


def segments(timeline: int, *numbers: int) -> list[Segment]:
    return [Segment(number, timeline) for number in numbers]


def chain_of(history: History, archived: list[Segment], start: int = 3, end: int = 3) -> Chain:
    """The chain behind a base that begins and ends in the middle of segments."""
    return find_chain(history, set(archived), start * SEGMENT_BYTES + 40, end * SEGMENT_BYTES + 288)


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("000000010000000000000003", Segment(3, 1)),
        ("0000000200000001000000FF", Segment(511, 2)),
        ("000000010000000000000003.00000028.backup", Segment(3, 1)),
        ("000000010000000000000003.partial", Segment(3, 1)),
        ("00000002.history", None),
        ("000000010000000000000003-", None),
    ],
)
def test_a_name_says_number_and_timeline(name: str, segment: Segment | None) -> None:
    assert Segment.of_name(name) == segment


def test_a_segment_has_the_name_that_postgresql_gives_it() -> None:
    assert Segment(511, 2).name == "0000000200000001000000FF"
    assert position("1/3000060") == (1 << 32) + 3 * SEGMENT_BYTES + 0x60


def test_the_chain_goes_from_the_base_to_the_last_segment() -> None:
    assert chain_of(FIRST, segments(1, 2, 3, 4, 5)) == Chain(tuple(segments(1, 3, 4, 5)), None, 0)


def test_a_base_without_any_segment_behind_it_is_enough_for_itself() -> None:
    assert chain_of(FIRST, []) == Chain((), None, 0)


def test_a_missing_segment_is_a_gap_where_later_ones_are_there() -> None:
    assert chain_of(FIRST, segments(1, 3, 5, 6)) == Chain(tuple(segments(1, 3)), Segment(4, 1), 2)


def test_what_the_base_holds_whole_need_not_be_in_the_archive() -> None:
    assert chain_of(FIRST, segments(1, 5, 6), start=3, end=5) == Chain(tuple(segments(1, 5, 6)), None, 0)


def test_the_last_segment_of_the_base_is_not_whole_so_the_archive_must_have_it() -> None:
    assert chain_of(FIRST, segments(1, 3, 4, 6), start=3, end=5) == Chain(tuple(segments(1, 3, 4)), Segment(5, 1), 1)


def test_a_restored_ledger_goes_on_on_its_timeline_and_what_its_forerunner_still_stored_is_left_out() -> None:
    history = newest_history({2: f"1\t0/{5 * SEGMENT_BYTES:X}\tno recovery target specified\n"})
    archived = segments(1, 3, 4, 5, 6) + segments(2, 5, 6)
    assert chain_of(history, archived) == Chain((*segments(1, 3, 4), *segments(2, 5, 6)), None, 0)


def test_where_a_timeline_was_left_inside_a_segment_the_newer_file_is_taken_and_the_older_one_will_do() -> None:
    history = History(2, ((1, 5 * SEGMENT_BYTES + 100),))
    assert chain_of(history, segments(1, 3, 4, 5) + segments(2, 5)).segments == (*segments(1, 3, 4), *segments(2, 5))
    assert chain_of(history, segments(1, 3, 4, 5)) == Chain(tuple(segments(1, 3, 4, 5)), None, 0)


def test_an_end_before_the_place_where_a_later_timeline_began_is_a_gap() -> None:
    history = History(2, ((1, 6 * SEGMENT_BYTES),))
    assert chain_of(history, segments(1, 3, 4)) == Chain(tuple(segments(1, 3, 4)), Segment(5, 1), 0)


def test_three_timelines_follow_each_other() -> None:
    text = f"1\t0/{5 * SEGMENT_BYTES:X}\tfirst\n2\t0/{7 * SEGMENT_BYTES + 8:X}\tsecond\n"
    history = newest_history({2: f"1\t0/{5 * SEGMENT_BYTES:X}\tfirst\n", 3: text})
    assert history.timeline == 3
    archived = segments(1, 3, 4) + segments(2, 5, 6, 7) + segments(3, 7, 8)
    assert chain_of(history, archived).segments == (*segments(1, 3, 4), *segments(2, 5, 6), *segments(3, 7, 8))


def test_a_base_of_a_timeline_that_was_given_up_is_not_passed() -> None:
    history = History(3, ((1, 5 * SEGMENT_BYTES),))
    assert history.passes(1, 4 * SEGMENT_BYTES)
    assert history.passes(3, 9 * SEGMENT_BYTES)
    assert not history.passes(1, 6 * SEGMENT_BYTES)
    assert not history.passes(2, 6 * SEGMENT_BYTES)
