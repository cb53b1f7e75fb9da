"""What a payment order must be like so that the bank can carry it out, said before the bank says it."""

import re
import unicodedata
from collections.abc import Collection
from decimal import Decimal

from ledger.errors import BankFileInvalid
from ledger.rules.money import MINOR_PLACES

LONGEST_ID = 35
LONGEST_NAME = 70
LONGEST_REMITTANCE = 140
LARGEST_AMOUNT_MINOR = 10**18 - 1

CNY = "CNY"
_SHOWN = 40
_IDENTIFIER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 +?:().,'/-]{0,33}[A-Za-z0-9])?", re.ASCII)
_ACCOUNT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,32}[A-Za-z0-9])?", re.ASCII)
_LATIN = re.compile(r"[A-Za-z0-9 /?:().,'+-]+", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)
_NATIONAL_CODES = {
    CNY: ("CNAPS", re.compile(r"[0-9]{12}", re.ASCII)),
    "THB": ("THCBC", re.compile(r"[0-9]{3}", re.ASCII)),
}
_WRITTEN_CATEGORIES = ("L", "M", "N", "P", "Zs", "Sm", "Sc")


def check_identifier(value: str, field: str, longest: int = LONGEST_ID) -> None:
    """Raise BankFileInvalid for an identifier that a bank might cut or refuse."""
    if len(value) > longest or not _IDENTIFIER.fullmatch(value) or "//" in value:
        wanted = f"1 to {longest} of A-Z a-z 0-9 space + ? : ( ) . , ' / -, a letter or digit at both ends, no //"
        raise BankFileInvalid(field, shown(value), wanted)


def check_account(value: str, field: str) -> None:
    """Raise BankFileInvalid for what cannot be an account number."""
    if not _ACCOUNT.fullmatch(value):
        raise BankFileInvalid(field, shown(value), "1 to 34 letters, digits and inner hyphens")


def check_text(value: str, field: str, longest: int, currency: str) -> None:
    """Raise BankFileInvalid for a text that is blank, too long, or not of the characters the scheme carries.

    Payments in CNY carry Chinese; those in other currencies only SWIFT's Latin characters.
    """
    if not value.strip() or value != value.strip():
        raise BankFileInvalid(field, shown(value), "a text without blanks at its ends")
    if len(value) > longest:
        raise BankFileInvalid(field, f"{len(value)} characters", f"at most {longest}")
    if currency != CNY:
        if not _LATIN.fullmatch(value):
            raise BankFileInvalid(
                field, shown(value), f"A-Z a-z 0-9 space / - ? : ( ) . , ' + in a payment in {currency}"
            )
        return
    for character in value:
        if not unicodedata.category(character).startswith(_WRITTEN_CATEGORIES):
            raise BankFileInvalid(field, f"U+{ord(character):04X}", "letters, digits, punctuation and spaces")


def check_currency(currency: str, field: str) -> None:
    """Raise BankFileInvalid for a currency that ISO 4217 does not know."""
    if currency not in MINOR_PLACES:
        raise BankFileInvalid(field, shown(currency), "an ISO 4217 code in capitals, such as CNY")


def check_amount(amount_minor: int, field: str) -> None:
    """Raise BankFileInvalid for an amount that cannot be paid."""
    if not 0 < amount_minor <= LARGEST_AMOUNT_MINOR:
        raise BankFileInvalid(field, str(amount_minor), f"1 to {LARGEST_AMOUNT_MINOR} minor units")


def check_unique(values: Collection[str], field: str) -> None:
    """Raise BankFileInvalid for a value that is there twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise BankFileInvalid(field, f"{shown(value)} twice", "each value once in a file")
        seen.add(value)


def clearing_system(code: str, currency: str, field: str) -> str | None:
    """The code list a bank's clearing code belongs to, such as CNAPS; None for a BIC.

    CNY takes CNAPS codes of 12 digits, THB Thai codes of 3 digits or a BIC, other currencies a BIC.
    Raises BankFileInvalid for anything else.
    """
    system, pattern = _NATIONAL_CODES.get(currency, (None, None))
    if pattern is not None and pattern.fullmatch(code):
        return system
    if currency != CNY and _BIC.fullmatch(code):
        return None
    wanted = {CNY: "a CNAPS code of 12 digits", "THB": "a Thai bank code of 3 digits or a BIC"}.get(currency, "a BIC")
    raise BankFileInvalid(field, shown(code), f"{wanted} for {currency}")


def is_iban(account: str) -> bool:
    """Whether the account is an IBAN, check digits included (ISO 13616)."""
    if not _IBAN.fullmatch(account):
        return False
    rest_and_head = account[4:] + account[:4]
    return int("".join(str(int(character, 36)) for character in rest_and_head)) % 97 == 1


def as_decimal(amount_minor: int, currency: str) -> Decimal:
    """Minor units as the exact decimal number that stands in a file."""
    return Decimal(amount_minor).scaleb(-MINOR_PLACES[currency])


def shown(value: str) -> str:
    """What was got, quoted and cut, for an error's sentence."""
    return repr(value[:_SHOWN])
