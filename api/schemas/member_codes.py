"""Members' codes, and what the partner that one is shown to may see."""

import msgspec


class CodeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A code to show: ``code`` are its digits, ``qr`` the text of its QR code. A replay answers ``null`` for both."""

    code: str | None
    qr: str | None
    expires_at: str


class PresentedCodeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The member who shows a code: its status, and its points in a programme at ``as_of``. Who it is, is not told."""

    status: str
    programme: str
    available: int
    held: int
    pending: int
    as_of: str
