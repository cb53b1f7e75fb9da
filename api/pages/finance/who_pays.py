"""Who pays whom, as a picture: parties that pay on the left, those that are paid on the right, the operator between.

Everything is in units of a picture 360 wide, so a phone shows it as it is drawn. Bars are as high as amounts.
"""

from collections.abc import Mapping, Sequence

import msgspec

WIDTH = 360
MOST_PARTIES = 7
"""On each side; the smaller ones are drawn as one."""

FLOW_HEIGHT = 190
"""Of all that flows through the operator, together."""

_SLOT = 36
_LEAST_BAR = 1.5
_TOP = 18
_BAR = 8
_LEFT, _MIDDLE, _RIGHT = 112, 176, 240
_BEND = (_MIDDLE - _LEFT - _BAR) // 2
_NAME_WIDTH = 15


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A party or a rest on one side: its bar, its text, and the band that leads to the operator's bar.

    ``party`` is 0 for the operator, None for several parties as one, of which there are ``count``.
    """

    party: int | None
    count: int
    amount_minor: int
    x: float
    y: float
    height: float
    band: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides, and the operator's bar between them."""

    payers: tuple[Node, ...]
    payees: tuple[Node, ...]
    height: float
    middle_y: float
    middle_height: float
    width: int = WIDTH
    middle_x: int = _MIDDLE
    bar: int = _BAR


class _Part(msgspec.Struct, frozen=True):
    party: int | None
    count: int
    amount_minor: int


def who_pays_whom(nets: Mapping[int, int]) -> Picture | None:
    """The picture of nets by party in minor units, positive what it gets; None where nothing flows."""
    payers = _parts({party: -net for party, net in nets.items() if net < 0})
    payees = _parts({party: net for party, net in nets.items() if net > 0})
    stays_minor = sum(part.amount_minor for part in payers) - sum(part.amount_minor for part in payees)
    if stays_minor > 0:
        payees.append(_Part(0, 1, stays_minor))
    elif stays_minor < 0:
        payers.append(_Part(0, 1, -stays_minor))
    total_minor = sum(part.amount_minor for part in payers)
    if total_minor == 0:
        return None
    heights = [_height_of(side, total_minor) for side in (payers, payees)]
    height = _TOP + max(*heights, FLOW_HEIGHT)
    middle_y = _TOP + (height - _TOP - FLOW_HEIGHT) / 2
    return Picture(
        payers=_side(payers, total_minor, middle_y, is_left=True),
        payees=_side(payees, total_minor, middle_y, is_left=False),
        height=height + _BAR,
        middle_y=middle_y,
        middle_height=FLOW_HEIGHT,
    )


def short(name: str) -> str:
    """A name that fits beside its bar: a wide character takes the place of two."""
    width, kept = 0, ""
    for character in name:
        width += 1 if ord(character) < 0x1100 else 2  # noqa: PLR2004 - from Hangul on, characters are wide
        if width > _NAME_WIDTH:
            return f"{kept.rstrip()}…"
        kept += character
    return kept


def _parts(amounts: Mapping[int, int]) -> list[_Part]:
    ordered = sorted(amounts.items(), key=lambda one: (-one[1], one[0]))
    shown = MOST_PARTIES if len(ordered) <= MOST_PARTIES else MOST_PARTIES - 1
    parts = [_Part(party, 1, amount) for party, amount in ordered[:shown]]
    rest = ordered[shown:]
    if rest:
        parts.append(_Part(None, len(rest), sum(amount for _, amount in rest)))
    return parts


def _bar_of(amount_minor: int, total_minor: int) -> float:
    return max(FLOW_HEIGHT * amount_minor / total_minor, _LEAST_BAR)


def _height_of(parts: Sequence[_Part], total_minor: int) -> float:
    return sum(max(_bar_of(part.amount_minor, total_minor) + 4, _SLOT) for part in parts)


def _side(parts: Sequence[_Part], total_minor: int, middle_y: float, *, is_left: bool) -> tuple[Node, ...]:
    nodes = []
    y, at_middle = float(_TOP), middle_y
    for part in parts:
        bar = _bar_of(part.amount_minor, total_minor)
        share = FLOW_HEIGHT * part.amount_minor / total_minor
        x = _LEFT if is_left else _RIGHT
        if is_left:
            band = _band((_LEFT + _BAR, y), (_MIDDLE, at_middle), bar, share)
        else:
            band = _band((_MIDDLE + _BAR, at_middle), (_RIGHT, y), share, bar)
        nodes.append(
            Node(
                party=part.party,
                count=part.count,
                amount_minor=part.amount_minor,
                x=x,
                y=round(y, 1),
                height=round(bar, 1),
                band=band,
            )
        )
        y += max(bar + 4, _SLOT)
        at_middle += share
    return tuple(nodes)


def _band(start: tuple[float, float], end: tuple[float, float], start_height: float, end_height: float) -> str:
    """A path between two bars that bends and keeps its heights at the ends."""
    (x1, y1), (x2, y2) = start, end
    corners = (
        f"M{x1:.1f} {y1:.1f}C{x1 + _BEND:.1f} {y1:.1f} {x2 - _BEND:.1f} {y2:.1f} {x2:.1f} {y2:.1f}",
        f"V{y2 + end_height:.1f}",
        (
            f"C{x2 - _BEND:.1f} {y2 + end_height:.1f} {x1 + _BEND:.1f} {y1 + start_height:.1f} "
            f"{x1:.1f} {y1 + start_height:.1f}Z"
        ),
    )
    return "".join(corners)
