"""QR codes as the squares of a picture that the page itself draws: no style, no script, sharp at every size."""

import msgspec
import segno

QUIET_ZONE = 4
"""How many light squares must surround a QR code (ISO/IEC 18004)."""


class QrPicture(msgspec.Struct, frozen=True):
    """The path of an SVG whose unit is a square, and how many squares it is wide and high, with the quiet zone."""

    path: str
    side: int


def qr_picture(text: str) -> QrPicture:
    """Draw a text; a quarter of the picture may be hidden by a scratch or a reflection."""
    rows = segno.make_qr(text, error="q").matrix
    path = []
    for down, row in enumerate(rows, start=QUIET_ZONE):
        across = 0
        while across < len(row):
            if not row[across]:
                across += 1
                continue
            end = across
            while end < len(row) and row[end]:
                end += 1
            path.append(f"M{across + QUIET_ZONE} {down}h{end - across}v1h-{end - across}z")
            across = end
    return QrPicture("".join(path), len(rows) + 2 * QUIET_ZONE)
