"""Receiving a merchant's file: straight from the wire to the disk, however large it is."""

import errno
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

import msgspec
from litestar.exceptions import HTTPException, InternalServerException
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from api.malformed_requests import Fault
from api.requests import CityRequest
from api.signing_in.forms import CSRF_FIELD
from api.wiring import Wiring
from ledger.errors import Busy, ImportMappingInvalid, MalformedRequest
from ledger.posting.import_mapping import MAXIMUM_MAPPING_BYTES
from ledger.posting.imports import register_import
from ledger.store.imports import Import

MULTIPART = "multipart/form-data"
FILE, MAPPING = "file", "mapping"
RECEIVING = "receiving-"
ABANDONED_SECONDS = 3_600
"""A file to which nothing was written for so long belongs to a process that died."""

RETRY_AFTER_SECONDS = 60
_DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NAME_LIMIT = 200
_TOKEN_LIMIT = 100

CheckToken = Callable[[str], None]
"""Raises where the token of a form is not this session's."""


class Upload(msgspec.Struct):
    """A file as it was received, with its SHA-256, and the mapping that came with it."""

    path: Path
    file_name: str
    file_digest: bytes
    mapping: bytes


@asynccontextmanager
async def received_upload(
    request: CityRequest, directory: Path, check_token: CheckToken | None = None
) -> AsyncIterator[Upload]:
    """Receive the parts ``file`` and ``mapping``; whoever wants to keep the file moves it away.

    A page's form begins with its token as the part ``csrf``: with ``check_token`` nothing is stored before it is
    checked, and whatever the check raises ends the receiving.

    Raises HTTPException 415 for another media type, MalformedRequest for parts that are broken, missing,
    sent twice or unknown, ImportMappingInvalid for a mapping that is too large, and Busy where the disk
    is full. Nothing of a file that was not received whole stays behind.
    """
    boundary = _boundary_of(request)
    _make_room(directory)
    path = directory / f"{RECEIVING}{secrets.token_hex(8)}"
    parts = _Parts(path, check_token)
    try:
        try:
            upload = await _receive(request, boundary, parts)
        finally:
            parts.close()
        yield upload
    except OSError as error:
        if error.errno not in _DISK_IS_FULL:
            raise
        msg = "There is no room for the file on the disk; nothing of it was kept. Send it again later."
        raise Busy(msg, retry_after_seconds=RETRY_AFTER_SECONDS) from error
    finally:
        path.unlink(missing_ok=True)


async def take_in(wiring: Wiring, partner: int, upload: Upload) -> Import:
    """Make a partner's upload an import that is worked off in the background; one that is done stays as it is.

    Raises as ``register_import``.
    """
    this, _ = await register_import(
        wiring.engine,
        partner,
        upload.path,
        upload.mapping,
        file_name=upload.file_name,
        digest=upload.file_digest,
    )
    if this.state != "done":
        upload.path.replace(wiring.import_directory / str(this.import_id))
        wiring.import_worker.wake()
    return this


class _Parts:
    """The parts of a body as they arrive."""

    def __init__(self, path: Path, check_token: CheckToken | None) -> None:
        self._path = path
        self._check_token = check_token
        self._token = bytearray()
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._mapping = bytearray()
        self._file_name = ""
        self._seen: list[str] = []

    def open_part(self, part: MultipartSegment) -> None:
        """Take a part's name."""
        if part.name not in {FILE, MAPPING} and (self._check_token is None or part.name != CSRF_FIELD):
            _refuse(f"$.{part.name[:_NAME_LIMIT]}", "an unknown part", f"the parts {FILE} and {MAPPING}")
        if part.name in self._seen:
            _refuse(f"$.{part.name}", "the part twice", "it once")
        self._seen.append(part.name)
        if self._check_token is not None and part.name != CSRF_FIELD:
            self._check_token(self._token.decode("utf-8", "replace"))
        if part.name == FILE:
            self._file = self._path.open("xb")
            self._file_name = (part.filename or "")[:_NAME_LIMIT].replace("\x00", "")

    def add(self, data: bytes | bytearray) -> None:
        """Take some bytes of the part that was begun last."""
        if self._file is not None and self._seen[-1] == FILE:
            self._digest.update(data)
            self._file.write(data)
            return
        if self._seen[-1] == CSRF_FIELD:
            self._token += data[:_TOKEN_LIMIT]
            return
        self._mapping += data
        if len(self._mapping) > MAXIMUM_MAPPING_BYTES:
            got, wanted = "a larger mapping", f"at most {MAXIMUM_MAPPING_BYTES} bytes"
            raise ImportMappingInvalid(
                f"The mapping: got {got}, wanted {wanted}.", field=MAPPING, got=got, wanted=wanted
            )

    def whole(self) -> Upload:
        """What was received, on the disk for good; raises MalformedRequest where a part is missing."""
        for name in (FILE, MAPPING):
            if name not in self._seen:
                _refuse(f"$.{name}", "nothing", "a part of this name")
        assert self._file is not None  # noqa: S101 - its part was seen
        self._file.flush()
        os.fsync(self._file.fileno())
        return Upload(self._path, self._file_name, self._digest.digest(), bytes(self._mapping))

    def close(self) -> None:
        """Close the file, if it was begun."""
        if self._file is not None:
            self._file.close()


async def _receive(request: CityRequest, boundary: str, parts: _Parts) -> Upload:
    parser = PushMultipartParser(boundary, max_segment_count=8)
    try:
        async for piece in request.stream():
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    parts.open_part(event)
                elif event is not None:
                    parts.add(event)
            if parser.closed:
                break
        parser.close()
    except MultipartError as error:
        _refuse("$", f"a broken body ({error})", f"whole {MULTIPART}")
    except InternalServerException:
        _refuse("$", "a connection that was closed in the middle", "the whole body")
    return parts.whole()


def _boundary_of(request: CityRequest) -> str:
    content_type = request.headers.get("content-type", "")
    media_type, options = parse_options_header(content_type)
    if media_type.lower() != MULTIPART:
        detail = f"Content-Type: got {media_type[:100] or 'nothing'}, wanted {MULTIPART}."
        raise HTTPException(detail, status_code=415)
    boundary = options.get("boundary", "")
    if not boundary or not boundary.isascii():
        _refuse("Content-Type", "no boundary", f"{MULTIPART}; boundary=…", "header")
    return str(boundary)


def _make_room(directory: Path) -> None:
    """Make the folder, and remove what processes that died have left in it."""
    directory.mkdir(parents=True, exist_ok=True)
    before = time.time() - ABANDONED_SECONDS
    for path in directory.glob(f"{RECEIVING}*"):
        try:
            if path.stat().st_mtime < before:
                path.unlink()
        except FileNotFoundError:
            continue  # received, or removed by another process, in between


def _refuse(field: str, got: str, wanted: str, where: str = "body") -> NoReturn:
    fault = Fault(field, where, got=got, wanted=wanted)
    raise MalformedRequest(fault.detail, **fault.facts)
