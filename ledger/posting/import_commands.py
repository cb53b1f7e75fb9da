"""From a record of a merchant's file to the command that it stands for."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from ledger.errors import MalformedRequest
from ledger.posting.import_lines import LineFault
from ledger.posting.import_mapping import (
    ISO,
    MEMBER_NAMES,
    OUTLET_FORM,
    OUTLET_WANTED,
    TEXT_FORM,
    TEXT_WANTED,
    Cancellation,
    Column,
    Mapping,
    SpendColumn,
    TimeColumn,
)
from ledger.rules.business_day import to_instant, zone
from ledger.rules.commands import Earn, TakeBack
from ledger.rules.money import MINOR_PLACES, to_minor
from ledger.rules.scenes import CHANNELS, SCENES

FIRST_YEAR = 2000
LAST_YEAR = 2999

_Values = Sequence[str | None]
_NamesColumn = Column | SpendColumn | TimeColumn | Cancellation

_KEY = re.compile(r"[!-~]{1,255}")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_GOT_LIMIT = 60


class LineCommand(msgspec.Struct, frozen=True):
    """A line's command under its idempotency key."""

    key: str
    command: Earn | TakeBack


class LineCommands:
    """Makes the commands of a file's records, as its mapping says.

    ``columns`` are the file's, in the order of a record's values.
    """

    def __init__(self, mapping: Mapping, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._mapping = mapping
        self._key = [self._index(column) for column in mapping.key.columns]
        self._member = self._index(mapping.member.column)
        self._member_prefix = MEMBER_NAMES[mapping.member.by]
        self._programme = self._required(mapping.programme, TEXT_FORM.fullmatch, "the code of a programme")
        self._scene = self._required(mapping.scene, SCENES.__contains__, f"one of {', '.join(SCENES)}")
        self._channel = self._optional(mapping.channel, CHANNELS.__contains__, f"one of {', '.join(CHANNELS)}")
        self._outlet = self._optional(mapping.outlet, OUTLET_FORM.fullmatch, OUTLET_WANTED)
        self._reference = self._optional(mapping.reference, TEXT_FORM.fullmatch, TEXT_WANTED)
        self._campaign = self._optional(mapping.campaign, TEXT_FORM.fullmatch, "the code of a campaign")
        self._zone = None if mapping.zone is None else zone(mapping.zone)
        self._spend_at = self._index_of(mapping.spend)
        self._points_at = self._index_of(mapping.points)
        self._time_at = self._index_of(mapping.occurred_at)
        self._cancellation_at = self._index_of(mapping.cancellation)

    def command_of(self, values: _Values) -> LineCommand:
        """Make a record's command; raises LineFault with the column, what was got, what is wanted."""
        key = self._key_of(values)
        if self._takes_back(values):
            return LineCommand(key, self._take_back(values))
        return LineCommand(key, self._earn(values))

    def _earn(self, values: _Values) -> Earn:
        spend_minor, currency = self._spend(values)
        if spend_minor is not None and spend_minor < 0:
            raise self._fault(self._mapping.spend, values, "an amount that is not negative")
        return Earn(
            programme=self._programme(values),
            member=self._member_name(values),
            scene=self._scene(values),
            points=self._points(values),
            spend_minor=spend_minor,
            currency=currency,
            channel=self._channel(values),
            outlet=self._outlet(values),
            occurred_at=self._occurred_at(values),
            campaign=self._campaign(values),
            reference=self._reference(values),
        )

    def _take_back(self, values: _Values) -> TakeBack:
        spend_minor, currency = self._spend(values)
        if not spend_minor or currency is None:
            raise self._fault(self._mapping.spend, values, "an amount other than 0")
        occurred_at = self._occurred_at(values)
        if occurred_at is None:
            raise self._fault(self._mapping.occurred_at, values, "a time")
        return TakeBack(
            programme=self._programme(values),
            member=self._member_name(values),
            spend_minor=abs(spend_minor),
            currency=currency,
            occurred_at=occurred_at,
            reference=self._reference(values),
        )

    def _takes_back(self, values: _Values) -> bool:
        rule = self._mapping.cancellation
        if rule is None:
            return False
        value = values[self._cancellation_at]
        return value is not None and value.startswith("-" if rule.prefix is None else rule.prefix)

    def _key_of(self, values: _Values) -> str:
        if len(self._key) == 1:
            key = values[self._key[0]] or ""
        else:
            key = "/".join(values[index] or "" for index in self._key)
        if _KEY.fullmatch(key) is None:
            raise LineFault(", ".join(self._mapping.key.columns), _shown(key), "1 to 255 visible ASCII characters")
        return key

    def _member_name(self, values: _Values) -> str:
        name = values[self._member]
        if name is None or TEXT_FORM.fullmatch(name) is None:
            raise self._fault(self._mapping.member, values, f"the name of a member, {TEXT_WANTED}")
        return self._member_prefix + name

    def _spend(self, values: _Values) -> tuple[int | None, str | None]:
        column = self._mapping.spend
        if column is None:
            return None, None
        amount = values[self._spend_at] or ""
        currency = column.currency
        if isinstance(currency, Column):
            currency = values[self._index(currency.column)] or ""
            if currency not in MINOR_PLACES:
                raise self._fault(column.currency, values, "an ISO 4217 code in capitals, such as CNY")
        if column.unit == "minor":
            if _WHOLE.fullmatch(amount) is None:
                raise self._fault(column, values, "a whole number of minor units")
            return int(amount), currency
        try:
            spend_minor = to_minor(amount.removeprefix("-"), currency)
        except MalformedRequest as error:
            raise LineFault(column.column, _shown(amount), f"an amount in {_shown(currency)} such as 12.50") from error
        return -spend_minor if amount.startswith("-") else spend_minor, currency

    def _points(self, values: _Values) -> int | None:
        column = self._mapping.points
        if column is None:
            return None
        points = values[self._points_at] or ""
        if _WHOLE.fullmatch(points) is None or int(points) <= 0:
            raise self._fault(column, values, "a whole number of points above 0")
        return int(points)

    def _occurred_at(self, values: _Values) -> int | None:
        column = self._mapping.occurred_at
        if column is None:
            return None
        text = values[self._time_at] or ""
        try:
            moment = _read_time(text, column.format)
        except ValueError as error:
            raise self._fault(column, values, f"a time, {column.format}") from error
        if moment.tzinfo is None:
            if self._zone is None:
                raise self._fault(column, values, "a time with its offset, or a zone in the mapping")
            moment = moment.replace(tzinfo=self._zone)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise self._fault(column, values, f"a year from {FIRST_YEAR} to {LAST_YEAR}")
        return to_instant(moment.astimezone(UTC))

    def _required(self, entry: str | Column, is_good: Callable[[str], object], wanted: str) -> Callable[[_Values], str]:
        if isinstance(entry, str):
            return lambda _: entry
        index = self._index(entry.column)

        def read(values: _Values) -> str:
            value = values[index]
            if not value or not is_good(value):
                raise self._fault(entry, values, wanted)
            return value

        return read

    def _optional(
        self, entry: str | Column | None, is_good: Callable[[str], object], wanted: str
    ) -> Callable[[_Values], str | None]:
        """As ``_required``, where a value may be missing on a line."""
        if not isinstance(entry, Column):
            return lambda _: entry
        index = self._index(entry.column)
        read = self._required(entry, is_good, wanted)
        return lambda values: read(values) if values[index] else None

    def _index(self, column: str) -> int:
        return self._columns.index(column)

    def _index_of(self, entry: _NamesColumn | None) -> int:
        """Where the column of an entry of the mapping is; of one that is not there nothing is read."""
        return -1 if entry is None else self._index(entry.column)

    def _fault(self, entry: object, values: _Values, wanted: str) -> LineFault:
        column: str = getattr(entry, "column", "")
        return LineFault(column, _shown(values[self._index(column)]), wanted)


def _read_time(text: str, time_format: str) -> datetime:
    if time_format == ISO:
        return datetime.fromisoformat(text)
    return datetime.strptime(text, time_format)  # noqa: DTZ007 - a local time gets the mapping's zone


def _shown(value: str | None) -> str:
    if not value:
        return "nothing"
    shown = value if len(value) <= _GOT_LIMIT else value[:_GOT_LIMIT] + "…"
    return repr(shown)
