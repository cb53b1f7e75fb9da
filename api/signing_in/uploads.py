"""Forms with a file that change something: nothing of the file is read before the form's token is known to be good."""

from collections.abc import Callable, Mapping

import msgspec
from litestar.exceptions import HTTPException, InternalServerException
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from api.requests import CityRequest
from api.signing_in.forms import LONGEST_FORM, MOST_FIELDS
from ledger.errors import MalformedRequest

MULTIPART = "multipart/form-data"
ROOM_FOR_FIELDS = LONGEST_FORM
"""How many bytes a form may have beside its file."""

_NAME_LIMIT = 200


class FileTooLarge(MalformedRequest):
    """The file has more bytes than the form takes; nothing of it was kept."""


class SentFile(msgspec.Struct, frozen=True):
    """A form with its file: the other fields, the file's name as the browser says it, and its bytes."""

    fields: Mapping[str, str]
    name: str
    content: bytes


Checked = Callable[[Mapping[str, str]], None]
"""Looks at the fields that came before the file, and raises where the form is not to be believed."""


async def read_upload(request: CityRequest, file_field: str, largest_bytes: int, check: Checked) -> SentFile:
    """Read a form with one file, which comes after all other fields; ``check`` runs before a byte of it is kept.

    Raises what ``check`` raises, FileTooLarge, and MalformedRequest for what is no such form.
    """
    taking = _Taking(file_field, largest_bytes, check)
    parser = PushMultipartParser(_boundary_of(request), max_segment_count=MOST_FIELDS)
    try:
        async for piece in request.stream():
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    taking.open_part(event)
                elif event is not None:
                    taking.add(event)
            if parser.closed:
                break
        parser.close()
    except (MultipartError, InternalServerException, UnicodeDecodeError) as error:
        raise _unreadable() from error
    except HTTPException as error:
        raise FileTooLarge("The form is larger than its page allows.", field=file_field) from error
    return taking.whole()


class _Taking:
    """The parts of a form as they arrive: fields first, then the file."""

    def __init__(self, file_field: str, largest_bytes: int, check: Checked) -> None:
        self._file_field = file_field
        self._largest_bytes = largest_bytes
        self._check = check
        self._fields: dict[str, bytearray] = {}
        self._open = ""
        self._size = 0
        self._name: str | None = None
        self._content = bytearray()

    def open_part(self, part: MultipartSegment) -> None:
        if self._name is not None or part.name in self._fields:
            raise MalformedRequest("A field of the form comes twice, or after the file.", field="form")
        self._open = str(part.name)
        if self._open == self._file_field:
            self._check(self._read())
            self._name = str(part.filename or "")[:_NAME_LIMIT].replace("\x00", "")
        else:
            self._fields[self._open] = bytearray()

    def add(self, data: bytes | bytearray) -> None:
        if self._name is not None:
            self._content += data
            if len(self._content) > self._largest_bytes:
                raise FileTooLarge(f"The file has more than {self._largest_bytes} bytes.", field=self._file_field)
            return
        self._fields[self._open] += data
        self._size += len(data)
        if self._size > LONGEST_FORM:
            raise MalformedRequest(f"The form's fields have more than {LONGEST_FORM} bytes.", field="form")

    def whole(self) -> SentFile:
        fields = self._read()
        if self._name is None:
            self._check(fields)
            raise MalformedRequest("The form has no file.", field=self._file_field)
        return SentFile(fields, self._name, bytes(self._content))

    def _read(self) -> dict[str, str]:
        return {name: value.decode() for name, value in self._fields.items()}


def _boundary_of(request: CityRequest) -> str:
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = str(options.get("boundary", ""))
    if media_type.lower() != MULTIPART or not boundary or not boundary.isascii():
        got = str(media_type)[:100] or "nothing"
        raise MalformedRequest(f"Content-Type: got {got}, wanted {MULTIPART}.", field="Content-Type", got=got)
    return boundary


def _unreadable() -> MalformedRequest:
    return MalformedRequest("The form cannot be read.", field="form")
