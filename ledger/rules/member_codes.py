"""A member's code: twenty digits, of which the last two find a slip of whoever types them.

Eighteen digits are random. Of a million codes that are good at a moment somebody who tries a thousand guesses a
second would find one in thirty years, and the API lets a partner miss a few dozen times a minute.
"""

CODE = "code:"
"""What begins the name of a member by a code."""

DRAWN_DIGITS = 18
CODE_DIGITS = DRAWN_DIGITS + 2
LIFETIME_SECONDS = 120
ROTATE_AFTER_SECONDS = 60
"""When a page shows the next one: what is scanned then is good for as long again."""

# ISO 7064, MOD 97-10, as in an IBAN: every slip of one digit and every two that changed places are found.
_MODULUS, _REMAINDER = 97, 1


def with_check_digits(drawn: int) -> str:
    """The digits of a code, from the number that was drawn for it, below 10 to the power of DRAWN_DIGITS."""
    check = _MODULUS + _REMAINDER - drawn * 100 % _MODULUS
    return f"{drawn:0{DRAWN_DIGITS}d}{check:02d}"


def is_code(digits: str) -> bool:
    """Whether digits can be a code at all."""
    is_long_enough = len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit()
    return is_long_enough and int(digits) % _MODULUS == _REMAINDER


def names_code(name: str) -> bool:
    """Whether a member is named by a code."""
    return name.startswith(CODE)
