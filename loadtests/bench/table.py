"""The rows of a run, as a table for people and as ``bench.json`` for programs."""

from pathlib import Path

import msgspec


class Row(msgspec.Struct):
    """One figure. ``ratio`` is to the row's own base (see its name); ``at_least`` what must be reached.

    ``ceiling``: the figure must not be above ``at_least`` (latency, disk) instead of not below.
    """

    name: str
    value: float
    unit: str
    ratio: float | None = None
    at_least: float | None = None
    ceiling: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the figure reaches what it must; None where nothing is asked."""
        if self.at_least is None:
            return None
        figure = self.value if self.ratio is None else self.ratio
        return figure <= self.at_least if self.ceiling else figure >= self.at_least


def write_json(path: Path, yardsticks: list[float], rows: list[Row]) -> None:
    """Write the run's figures; the yardstick is the mean of its measurements."""
    listed = [msgspec.structs.asdict(row) | {"reached": row.reached} for row in rows]
    document = {"yardstick_tps": mean(yardsticks), "yardsticks_tps": yardsticks, "rows": listed}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


def render(yardsticks: list[float], rows: list[Row]) -> str:
    """The run as a Markdown table."""
    lines = [
        f"Yardstick (pgbench -N -M prepared -c 32 -j 1): {mean(yardsticks):,.0f} a second is 1.0×.",
        f"Measured {' and '.join(f'{figure:,.0f}' for figure in yardsticks)} first and last in this run.",
        "",
        "| what | figure | ratio | at least | reached |",
        "|---|---:|---:|---:|---|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
        wanted = ""
        if row.at_least is not None:
            sign = "≤ " if row.ceiling else ""
            wanted = f"{sign}{row.at_least:g}" + ("" if row.ratio is None else "×")
        reached = {True: "yes", False: "no", None: ""}[row.reached]
        lines.append(f"| {row.name} | {row.value:,.1f} {row.unit} | {ratio} | {wanted} | {reached} |")
    return "\n".join(lines)


def mean(figures: list[float]) -> float:
    """The arithmetic mean."""
    return sum(figures) / len(figures)
