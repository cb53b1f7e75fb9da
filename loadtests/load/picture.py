"""The course of a run as one picture: an SVG of panels that share their time, written by hand."""

from collections.abc import Iterator
from html import escape

from loadtests.load.course import Course, Line, Panel

WIDTH, PANEL_HEIGHT, GAP = 960, 190, 56
LEFT, RIGHT, TOP, BOTTOM = 70, 90, 84, 44
COLOURS = ("#1f6f78", "#c2571a", "#6a4c93", "#5b7f1e")
INK, PALE, RULE = "#222222", "#666666", "#dddddd"
FONT = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"
MOST_TICKS = 5
STEPS = (1, 2, 5, 10)
LABEL_HEIGHT = 14
SECONDS_PER_MINUTE = 60
MINUTES_FROM_SECONDS = 300


def draw(course: Course) -> str:
    """The picture, as text."""
    height = TOP + len(course.panels) * (PANEL_HEIGHT + GAP) - GAP + BOTTOM
    elements = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}'>",
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        _text(LEFT, 34, course.title, size=18, weight="bold"),
    ]
    for number, panel in enumerate(course.panels):
        elements += _panel(course, panel, TOP + number * (PANEL_HEIGHT + GAP))
    elements += _times(course, height - BOTTOM + 20)
    return "\n".join([*elements, "</svg>", ""])


def step_of(most: float, ticks: int = MOST_TICKS) -> float:
    """A round step (1, 2 or 5 times a power of ten) of which at most so many come to ``most``."""
    step = 1.0
    while step * ticks < most:
        step *= 10
    while step / 10 * ticks >= most > 0:
        step /= 10
    return next(step / 10 * part for part in STEPS if step / 10 * part * ticks >= most)


def _panel(course: Course, panel: Panel, top: int) -> Iterator[str]:
    most = max((point.value for line in panel.lines for point in line.points), default=1.0) or 1.0
    step = step_of(most)
    highest = step * max(1, -(-most // step))
    yield _text(LEFT, top - 12, panel.title, size=13, weight="bold")
    for tick in range(int(highest / step) + 1):
        y = _y(tick * step, highest, top)
        yield f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='{RULE}'/>"
        yield _text(LEFT - 8, y + 4, f"{tick * step:,g}", anchor="end", fill=PALE)
    for cut_off in course.cut_offs:
        x = _x(cut_off, course.seconds)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{top}' y2='{top + PANEL_HEIGHT}' stroke='{PALE}' "
        yield "stroke-dasharray='3 3'/>"
        yield _text(x, top - 6, "cut-off", anchor="middle", fill=PALE)
    lowest_label = float(top + PANEL_HEIGHT)
    for line, colour in sorted(zip(panel.lines, COLOURS * 4, strict=False), key=lambda pair: _last(pair[0])):
        yield _curve(line, course.seconds, highest, top, colour)
        if line.name and line.points:
            # Labels of lines that end close together stand one above the other.
            lowest_label = min(_y(_last(line), highest, top) + 4, lowest_label - LABEL_HEIGHT)
            yield _text(WIDTH - RIGHT + 8, lowest_label, line.name, fill=colour)


def _curve(line: Line, seconds: int, highest: float, top: int, colour: str) -> str:
    points = " ".join(f"{_x(one.second, seconds):.1f},{_y(one.value, highest, top):.1f}" for one in line.points)
    return f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.8' stroke-linejoin='round'/>"


def _times(course: Course, y: int) -> Iterator[str]:
    in_minutes = course.seconds >= MINUTES_FROM_SECONDS
    unit = SECONDS_PER_MINUTE if in_minutes else 1
    step = step_of(course.seconds / unit, ticks=10) * unit
    for tick in range(int(course.seconds / step) + 1):
        yield _text(_x(tick * step, course.seconds), y, f"{tick * step / unit:g}", anchor="middle", fill=PALE)
    yield _text(WIDTH - RIGHT + 20, y, "minutes" if in_minutes else "seconds", fill=PALE)


def _last(line: Line) -> float:
    return line.points[-1].value if line.points else 0.0


def _x(second: float, seconds: int) -> float:
    return LEFT + second / seconds * (WIDTH - LEFT - RIGHT)


def _y(value: float, highest: float, top: int) -> float:
    return top + PANEL_HEIGHT * (1 - value / highest)


def _text(
    x: float, y: float, text: str, *, size: int = 11, weight: str = "normal", anchor: str = "start", fill: str = INK
) -> str:
    style = f"{FONT} font-size='{size}' font-weight='{weight}' text-anchor='{anchor}' fill='{fill}'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(text)}</text>"
