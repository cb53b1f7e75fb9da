"""What people type into forms, held to the same kinds of fields as requests."""

import msgspec

from api.schemas.fields import ShortText


def is_short_text(text: str) -> bool:
    """Whether a text is one that requests may carry: 1 to 200 characters, no control characters."""
    try:
        msgspec.convert(text, ShortText)
    except msgspec.ValidationError:
        return False
    return True
