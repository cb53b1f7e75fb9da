"""Reading a merchant's file line by line, from any offset, in bounded memory.

A line that cannot be read becomes a record with its fault, and reading goes on behind it.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

import msgspec

from ledger.errors import MalformedRequest
from ledger.posting.import_mapping import Mapping, check_header

MAXIMUM_RECORD_BYTES = 65_536
"""The longest line, or quoted lines together; what is longer is no till's receipt."""

_READ_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTE = b'"'


class LineFault(Exception):
    """Why a line cannot be read: the column (None for the line as a whole), what was got, what is wanted."""

    def __init__(self, column: str | None, got: str, wanted: str) -> None:
        place = "the line" if column is None else f"column {column}"
        super().__init__(f"{place}: got {got}, wanted {wanted}")


class Record(msgspec.Struct, frozen=True):
    """One record: its first line's number from 1, the offset behind it, its text, its values or its fault.

    Values are in the order of the file's columns, without blanks around them; None where an NDJSON line
    lacks one.
    """

    line: int
    end: int
    content: bytes
    values: Sequence[str | None] = ()
    fault: LineFault | None = None


class _Line(msgspec.Struct, frozen=True):
    """A line with its end, and the bytes it takes in the file: more than its content where it is too long."""

    content: bytes
    size: int


class ImportFile:
    """A merchant's file, opened with its mapping."""

    def __init__(self, file: BinaryIO, mapping: Mapping) -> None:
        self._file = file
        self._mapping = mapping
        self._encoding = "utf-8" if mapping.encoding == "utf-8-sig" else mapping.encoding
        self._again: deque[_Line] = deque()
        self._offset = 0
        self._line = 1
        self._json = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self.columns = self._read_columns()
        self._first_offset = self._offset

    @classmethod
    @contextmanager
    def open(cls, path: Path, mapping: Mapping) -> Iterator[Self]:
        """Open a file and check its header.

        Raises ImportMappingInvalid where the mapping names a column that the file does not have, and
        MalformedRequest (field ``file``) where the file is empty or has no header that can be read.
        """
        with path.open("rb", buffering=_READ_BYTES) as file:
            yield cls(file, mapping)

    def records_from(self, offset: int) -> Iterator[Record]:
        """Read records from a byte offset, 0 or the ``end`` of a record; blank lines are passed over."""
        self._go_to(max(offset, self._first_offset))
        read = self._read_json if self._mapping.format == "ndjson" else self._read_csv
        while True:
            number = self._line
            line = self._next_line()
            if not line.content:
                return
            if line.content.isspace():
                continue
            try:
                content, values = read(line)
            except LineFault as fault:
                yield Record(number, self._offset, line.content, fault=fault)
            else:
                yield Record(number, self._offset, content, values)

    def _go_to(self, offset: int) -> None:
        """Position behind a record, counting the lines up to there."""
        self._file.seek(0)
        self._again.clear()
        self._line = 1
        rest = offset
        while rest and (piece := self._file.read(min(rest, _READ_BYTES))):
            self._line += piece.count(b"\n")
            rest -= len(piece)
        self._offset = offset

    def _next_line(self) -> _Line:
        """The next line, empty at the file's end; of one that is too long only the start is kept."""
        if self._again:
            line = self._again.popleft()
        else:
            content = self._file.readline(MAXIMUM_RECORD_BYTES + 1)
            is_cut = len(content) > MAXIMUM_RECORD_BYTES and not content.endswith(b"\n")
            line = _Line(content, len(content) + (self._pass_over_rest() if is_cut else 0))
        self._offset += line.size
        self._line += bool(line.content)
        return line

    def _put_back(self, line: _Line) -> None:
        self._again.appendleft(line)
        self._offset -= line.size
        self._line -= 1

    def _pass_over_rest(self) -> int:
        """Go behind the present line's end; returns the bytes passed over."""
        size = 0
        while piece := self._file.readline(_READ_BYTES):
            size += len(piece)
            if piece.endswith(b"\n"):
                break
        return size

    def _read_columns(self) -> list[str]:
        mapping = self._mapping
        if mapping.format == "ndjson":
            columns = list(dict.fromkeys(mapping.columns_named().values()))
            self._refuse_empty()
            return columns
        if mapping.columns is not None:
            self._refuse_empty()
            check_header(mapping, mapping.columns)
            return mapping.columns
        header = self._next_line()
        if not header.content or header.content.isspace():
            raise _no_header("an empty first line" if header.content else "an empty file")
        try:
            _, columns = self._split(header)
        except LineFault as fault:
            raise _no_header(str(fault)) from fault
        check_header(mapping, columns)
        return columns

    def _refuse_empty(self) -> None:
        if not self._file.read(1):
            raise _no_header("an empty file")
        self._file.seek(0)

    def _read_csv(self, line: _Line) -> tuple[bytes, Sequence[str | None]]:
        content, values = self._split(line)
        if len(values) != len(self.columns):
            raise LineFault(None, f"{len(values)} columns", f"{len(self.columns)}")
        return content, values

    def _split(self, line: _Line) -> tuple[bytes, list[str]]:
        """Split a line into its values; where a quoted value goes over lines, take those too."""
        content = line.content
        if _QUOTE not in content:
            return content, [value.strip() for value in self._decode(content).split(self._mapping.delimiter)]
        lines = [line]
        reader = csv.reader(self._supply(lines), delimiter=self._mapping.delimiter, strict=True)
        try:
            values = next(reader)
        except (csv.Error, LineFault) as error:
            # Whatever else the stray quote has swallowed is read again, each line on its own.
            for swallowed in reversed(lines[1:]):
                self._put_back(swallowed)
            if isinstance(error, LineFault):
                raise
            raise LineFault(None, f"{error}", "quotes in pairs, around whole values") from error
        return b"".join(each.content for each in lines), [value.strip() for value in values]

    def _supply(self, lines: list[_Line]) -> Iterator[str]:
        """Give a reader the first of ``lines``, and more of the file, kept there, as it asks."""
        yield self._decode(lines[0].content)
        size = lines[0].size
        while size <= MAXIMUM_RECORD_BYTES and (line := self._next_line()).content:
            lines.append(line)
            size += line.size
            yield self._decode(line.content)

    def _read_json(self, line: _Line) -> tuple[bytes, Sequence[str | None]]:
        text = self._decode(line.content)
        try:
            document = self._json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise LineFault(None, str(error), "a JSON object") from error
        return line.content, [_json_value(column, document.get(column)) for column in self.columns]

    def _decode(self, content: bytes) -> str:
        if len(content) > MAXIMUM_RECORD_BYTES:
            raise LineFault(None, f"more than {MAXIMUM_RECORD_BYTES} bytes", "a shorter line")
        if self._offset == len(content):
            content = content.removeprefix(_BYTE_ORDER_MARK)
        try:
            return content.decode(self._encoding)
        except UnicodeDecodeError as error:
            got = f"a byte 0x{content[error.start]:02x} at position {error.start + 1}"
            raise LineFault(None, got, f"text in {self._encoding}") from error


def shown_content(content: bytes) -> str:
    """A line as text for people, without its end; what is no text is shown as escapes."""
    text = content[:MAXIMUM_RECORD_BYTES].decode("utf-8", "backslashreplace").rstrip("\r\n")
    return text.replace("\x00", "\\x00")


def _json_value(column: str, raw: msgspec.Raw | None) -> str | None:
    if raw is None:
        return None
    token = bytes(raw)
    if token == b"null":
        return None
    if token.startswith(b'"'):
        return msgspec.json.decode(token, type=str).strip()
    if token[:1].isdigit() or token.startswith(b"-"):
        return token.decode()
    raise LineFault(column, token[:40].decode("utf-8", "replace"), "a text or a number")


def _no_header(got: str) -> MalformedRequest:
    wanted = "a file whose first line names the columns, or columns in the mapping"
    return MalformedRequest(f"The file: got {got}, wanted {wanted}.", field="file", got=got, wanted=wanted)
