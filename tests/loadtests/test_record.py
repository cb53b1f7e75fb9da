"""The record keeps what was answered to the byte; figures and pictures come from it alone."""

from pathlib import Path

import pytest
from defusedxml import ElementTree

from loadtests.load.course import Course, panels_of
from loadtests.load.percentiles import percentile, render, timings
from loadtests.load.picture import draw, step_of
from loadtests.load.records import Attempt, RecordFile, as_json, as_raw, read_records
from loadtests.load.sampling import Sample
from loadtests.load.shape import CUT_OFF, cut_offs, users_at

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
BEGUN = 5 * SECOND


def answered(second: float, milliseconds: float, kind: str = "earn", status: int = 201) -> Attempt:
    sent = BEGUN + round(second * SECOND)
    return Attempt(
        kind=kind,
        by="CAFE",
        path="/v1/earnings",
        sent=sent,
        answered=sent + round(milliseconds * MILLISECOND),
        status=status,
    )


@pytest.mark.parametrize("body", [b'{"points": 1,  "id":"\xe5\x9f\x8e"}', b"[]", b"1.0"])
def test_an_answer_of_one_line_of_json_is_kept_to_the_byte(body: bytes, tmp_path: Path) -> None:
    attempt = answered(0, 1)
    attempt.answer = as_raw(body)
    with RecordFile(tmp_path / "clients-1.ndjson") as record:
        record.write([attempt, answered(1, 1)])
    first, second = read_records(tmp_path)
    assert bytes(first.answer) == body
    assert (first, second) == (attempt, answered(1, 1))


@pytest.mark.parametrize("body", [b"", b"Bad gateway", b'{\n"points": 1}', b"<a>\n</a>"])
def test_any_other_answer_is_kept_as_text(body: bytes, tmp_path: Path) -> None:
    attempt = answered(0, 1)
    attempt.answer = as_raw(body)
    with RecordFile(tmp_path / "clients-1.ndjson") as record:
        record.write([attempt])
    [kept] = read_records(tmp_path)
    assert bytes(kept.answer) == bytes(as_json(body.decode()))


def test_every_file_of_a_folder_is_read_and_a_broken_line_stops_the_run(tmp_path: Path) -> None:
    for number in (1, 2):
        with RecordFile(tmp_path / f"clients-{number}.ndjson") as record:
            record.write([answered(number, 1)])
    assert [one.sent for one in read_records(tmp_path)] == [BEGUN + SECOND, BEGUN + 2 * SECOND]
    (tmp_path / "clients-3.ndjson").write_bytes(b'{"kind": "earn"')
    with pytest.raises(ValueError, match="truncated"):
        list(read_records(tmp_path))


def test_percentiles_are_told_by_kind_with_what_was_refused_and_cut() -> None:
    attempts = [answered(number, number) for number in range(1, 101)]
    attempts += [answered(1, 7, "balance", status=409), Attempt(kind="balance", by="m", path="", sent=1, is_cut=True)]
    earns, balances = timings(attempts)
    assert (earns.kind, earns.answered, earns.refused, earns.cut) == ("earn", 100, 0, 0)
    assert (earns.p50, earns.p95, earns.p99, earns.longest) == (51.0, 96.0, 100.0, 100.0)
    assert (balances.answered, balances.refused, balances.cut, balances.longest) == (1, 1, 1, 7.0)
    assert "101 answers, 10 a second" in render([earns, balances], 10)
    assert percentile([], 0.5) == 0.0


def test_items_of_a_bulk_are_told_apart_and_an_atomic_bulk_is_told_as_a_whole() -> None:
    attempts = [answered(1, 1), answered(1, 9), answered(1, 9, "atomic")]
    for attempt in attempts[1:]:
        attempt.path = "/v1/bulk"
    assert {row.kind for row in timings(attempts)} == {"earn", "earn in bulk", "atomic"}


def test_the_course_counts_by_the_second_and_leaves_the_finance_people_out() -> None:
    attempts = [answered(0.2, 1), answered(0.4, 9), answered(2.5, 5), answered(1, 1, "settle:run")]
    samples = [Sample(BEGUN + SECOND, {"http 1": 90_000_000}), Sample(BEGUN - SECOND, {"http 1": 1})]
    rate, latency, memory = panels_of(attempts, samples, BEGUN, 3)
    assert [tuple(point) for point in rate.lines[0].points] == [(0.5, 2.0), (1.5, 0.0), (2.5, 1.0)]
    assert {line.name: [point.value for point in line.points] for line in latency.lines} == {
        "p99": [9.0, 5.0],
        "p50": [9.0, 5.0],
    }
    assert [(line.name, line.points) for line in memory.lines] == [("http 1", [(1.0, 90.0)])]


def test_the_picture_is_one_svg_with_every_line_inside_it() -> None:
    panels = panels_of(
        [answered(number / 10, number) for number in range(100)], [Sample(BEGUN, {"a<b": 10**8})], BEGUN, 10
    )
    root = ElementTree.fromstring(draw(Course("10 clients & more", 10, [5.0], panels)))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    curves = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(curves) == 4
    for curve in curves:
        for pair in curve.attrib["points"].split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"10 clients & more", "a<b", "p50", "p99", "cut-off", "seconds"} <= set(texts)


@pytest.mark.parametrize(("most", "step"), [(330, 100), (500, 100), (501, 200), (0.3, 0.1), (1_800, 500), (9, 2)])
def test_an_axis_has_round_steps(most: float, step: float) -> None:
    assert step_of(most) == pytest.approx(step)


def test_the_day_has_its_peak_at_the_cut_off_and_an_end() -> None:
    shares = [users_at(part / 100, 100) for part in range(100)]
    assert shares[0] == 40
    assert shares[30] == 80
    assert shares[round(CUT_OFF * 100)] == 100
    assert shares[99] == 50
    assert users_at(1.0, 100) is None
    assert cut_offs(1) == [0.5]
    assert cut_offs(2) == [0.5, 0.75]
