"""The mapping of an import: which column of a merchant's file is what.

A mapping is a small TOML document; ``docs/imports.md`` shows every entry. It is checked whole, against
the file's header and the ledger's set-up, before anything is posted.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

import msgspec

from ledger.errors import ImportMappingInvalid
from ledger.rules.programmes import Registry
from ledger.rules.scenes import CHANNELS, SCENES

MAXIMUM_MAPPING_BYTES = 65_536
ISO = "iso"
FORMATS = ("csv", "ndjson")
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "latin-1", "windows-1252")
MEMBER_NAMES = {"reference": "ref:", "card": "card:", "id": ""}
SPEND_UNITS = ("minor", "decimal")

OUTLET_FORM = re.compile(r"[A-Za-z0-9._-]{1,32}")
TEXT_FORM = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")
OUTLET_WANTED = "1 to 32 of A-Z a-z 0-9 . _ -"
TEXT_WANTED = "1 to 200 characters of text"

_AT_PATH = re.compile(r"^(?P<sentence>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"^Expected (?P<wanted>.*), got (?P<got>.*)$", re.DOTALL)
_FIELD = re.compile(r"^Object (?P<fault>missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)
_TEXT_LIMIT = 100


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An entry of the mapping: an unknown word in it is refused, so that no slip passes silently."""


class Column(_Entry, frozen=True):
    """What a column says, line by line."""

    column: str


class KeyColumns(_Entry, frozen=True):
    """The column, or columns, that make a line's idempotency key."""

    column: str | list[str]

    @property
    def columns(self) -> list[str]:
        """The columns in order; the key joins what they say with a slash."""
        return [self.column] if isinstance(self.column, str) else self.column


class MemberColumn(_Entry, frozen=True):
    """How the file names members: by the partner's reference, by card number, or by the ledger's id."""

    column: str
    by: str = "reference"


class SpendColumn(_Entry, frozen=True):
    """Money spent, in whole minor units (``minor``) or as a decimal number (``decimal``)."""

    column: str
    currency: str | Column
    unit: str = "minor"


class TimeColumn(_Entry, frozen=True):
    """When it happened: ``iso``, or a format as ``datetime.strptime`` reads it."""

    column: str
    format: str = ISO


class Cancellation(_Entry, frozen=True):
    """Which lines take back: those whose column begins with ``prefix``, or is ``negative``."""

    column: str
    prefix: str | None = None
    negative: bool = False


class Mapping(_Entry, frozen=True, kw_only=True):
    """What the columns of a file are. A plain text stands for every line."""

    programme: str | Column
    scene: str | Column
    key: KeyColumns
    member: MemberColumn
    format: str = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    columns: list[str] | None = None
    zone: str | None = None
    spend: SpendColumn | None = None
    points: Column | None = None
    occurred_at: TimeColumn | None = None
    outlet: str | Column | None = None
    channel: str | Column | None = None
    reference: str | Column | None = None
    campaign: str | Column | None = None
    cancellation: Cancellation | None = None
    create_members: bool = False

    def digest(self) -> bytes:
        """SHA-256 of what the mapping says; its comments and layout do not count."""
        return hashlib.sha256(msgspec.json.encode(self)).digest()

    def columns_named(self) -> dict[str, str]:
        """Each entry that names a column, with that column."""
        currency = None if self.spend is None else self.spend.currency
        named = {
            f"{entry}.column": column
            for entry, column in (
                ("member", self.member.column),
                ("points", None if self.points is None else self.points.column),
                ("spend", None if self.spend is None else self.spend.column),
                ("spend.currency", currency.column if isinstance(currency, Column) else None),
                ("occurred_at", None if self.occurred_at is None else self.occurred_at.column),
                ("cancellation", None if self.cancellation is None else self.cancellation.column),
            )
            if column is not None
        }
        for entry in ("programme", "scene", "outlet", "channel", "reference", "campaign"):
            value = getattr(self, entry)
            if isinstance(value, Column):
                named[f"{entry}.column"] = value.column
        return named | {f"key.column[{number}]": column for number, column in enumerate(self.key.columns)}


def read_mapping(document: bytes) -> Mapping:
    """Read and check a mapping.

    Raises ImportMappingInvalid, whose facts name the entry (``field``), what was got and what is wanted.
    """
    if len(document) > MAXIMUM_MAPPING_BYTES:
        _refuse("mapping", f"{len(document)} bytes", f"at most {MAXIMUM_MAPPING_BYTES} bytes")
    try:
        mapping = msgspec.toml.decode(document, type=Mapping)
    except msgspec.ValidationError as error:
        _refuse_as_msgspec_says(str(error))
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        _refuse("mapping", str(error), "a TOML document in UTF-8")
    _check_words(mapping)
    _check_constants(mapping)
    _check_together(mapping)
    return mapping


def check_header(mapping: Mapping, header: Sequence[str]) -> None:
    """Refuse a mapping that names columns which the file does not have, or has twice.

    Raises ImportMappingInvalid.
    """
    for entry, column in mapping.columns_named().items():
        if header.count(column) != 1:
            times = "twice" if column in header else "missing"
            _refuse(entry, f"{_shown(column)}, which is {times} in the file", f"one of {_listed(header)}")


def check_set_up(mapping: Mapping, partner: int, registry: Registry) -> None:
    """Refuse a mapping whose every line would be refused: a refusal is its key's answer for ever.

    Raises ImportMappingInvalid where the constant programme is unknown or not the partner's to issue in,
    or the constant currency is not the programme's.
    """
    if not isinstance(mapping.programme, str):
        return
    programme = registry.programmes.get(mapping.programme)
    mine = sorted(code for code, each in registry.programmes.items() if partner in each.issuers)
    if programme is None or partner not in programme.issuers:
        _refuse("programme", mapping.programme, f"a programme in which you may issue: {_listed(mine)}")
    if not programme.is_open and mapping.cancellation is None:
        _refuse("programme", f"{mapping.programme}, which is closed", "a programme that is open")
    campaign = mapping.campaign
    if isinstance(campaign, str) and not registry.shares_in(partner, programme.number, campaign):
        _refuse("campaign", campaign, "a campaign of the programme that you share in")
    spend = mapping.spend
    if spend is not None and isinstance(spend.currency, str) and spend.currency != programme.currency:
        _refuse("spend.currency", spend.currency, f"{programme.currency}, in which the programme counts")


def _check_words(mapping: Mapping) -> None:
    _one_of("format", mapping.format, FORMATS)
    _one_of("encoding", mapping.encoding, ENCODINGS)
    _one_of("member.by", mapping.member.by, tuple(MEMBER_NAMES))
    if mapping.spend is not None:
        _one_of("spend.unit", mapping.spend.unit, SPEND_UNITS)
    if len(mapping.delimiter) != 1 or not mapping.delimiter.isascii() or mapping.delimiter in '"\r\n':
        _refuse("delimiter", mapping.delimiter, 'one ASCII character other than "')
    if not mapping.key.columns:
        _refuse("key.column", "no column", "at least one column")
    if mapping.occurred_at is not None and mapping.occurred_at.format != ISO:
        _check_time_format(mapping.occurred_at.format)
    if mapping.zone is not None:
        try:
            ZoneInfo(mapping.zone)
        except (ValueError, OSError, LookupError):
            _refuse("zone", mapping.zone, "a time zone such as Europe/London")


def _check_constants(mapping: Mapping) -> None:
    if isinstance(mapping.scene, str):
        _one_of("scene", mapping.scene, SCENES)
    if isinstance(mapping.channel, str):
        _one_of("channel", mapping.channel, CHANNELS)
    if isinstance(mapping.outlet, str) and OUTLET_FORM.fullmatch(mapping.outlet) is None:
        _refuse("outlet", mapping.outlet, OUTLET_WANTED)
    if isinstance(mapping.reference, str) and TEXT_FORM.fullmatch(mapping.reference) is None:
        _refuse("reference", mapping.reference, TEXT_WANTED)


def _check_time_format(time_format: str) -> None:
    moment = datetime(2004, 11, 23, 17, 5, 9)  # noqa: DTZ001 - a local time, as files have them
    try:
        read = datetime.strptime(moment.strftime(time_format), time_format)  # noqa: DTZ007 - as above
    except ValueError:
        read = None
    if read is None or read.date() != moment.date():
        _refuse("occurred_at.format", time_format, 'iso, or a format with a whole date such as "%d/%m/%Y %H:%M"')


def _check_together(mapping: Mapping) -> None:
    if (mapping.spend is None) == (mapping.points is None):
        got = "neither" if mapping.spend is None else "both"
        _refuse("spend", got, "exactly one of spend and points")
    if mapping.create_members and mapping.member.by != "reference":
        _refuse("create_members", "true", 'member.by = "reference", since only references can be new')
    if mapping.format == "ndjson" and mapping.columns is not None:
        _refuse("columns", "a list", "no list, since each line of NDJSON names its own columns")
    if mapping.cancellation is None:
        return
    if (mapping.cancellation.prefix is None) != mapping.cancellation.negative:
        _refuse("cancellation", "both or neither", "exactly one of prefix and negative")
    if mapping.cancellation.prefix == "":
        _refuse("cancellation.prefix", "nothing", "at least one character")
    if mapping.spend is None:
        _refuse("cancellation", "no spend", "spend, since a cancellation takes back by spend")
    if mapping.occurred_at is None:
        _refuse("cancellation", "no occurred_at", "occurred_at, since a cancellation takes back earlier earns")


def _one_of(entry: str, got: str, wanted: Sequence[str]) -> None:
    if got not in wanted:
        _refuse(entry, got, f"one of {_listed(wanted)}")


def _refuse_as_msgspec_says(message: str) -> NoReturn:
    parts = _AT_PATH.match(message)
    sentence, path = (parts["sentence"], parts["path"] or "") if parts else (message, "")
    if field := _FIELD.match(sentence):
        entry = f"{path}.{field['name']}".lstrip(".")
        if field["fault"] == "missing required":
            _refuse(entry, "nothing", "an entry")
        _refuse(entry, "an unknown entry", "no such entry")
    if expected := _EXPECTED.match(sentence):
        _refuse(path or "mapping", expected["got"], expected["wanted"].replace("object", "table"))
    _refuse(path or "mapping", sentence, "a mapping")


def _refuse(entry: str, got: str, wanted: str) -> NoReturn:
    msg = f"The mapping's entry {_shown(entry)}: got {_shown(got)}, wanted {wanted}."
    raise ImportMappingInvalid(msg, field=_shown(entry), got=_shown(got), wanted=wanted)


def _listed(words: Sequence[str]) -> str:
    return _shown(", ".join(words)) or "none"


def _shown(text: str) -> str:
    """What a caller wrote goes back to it, but not by the kilobyte."""
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "…"
