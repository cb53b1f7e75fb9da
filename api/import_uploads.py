"""Receiving a merchant's file: straight from the wire to the disk, however large it is."""

import errno
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator
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
from ledger.errors import Busy, ImportMappingInvalid, MalformedRequest
from ledger.posting.import_mapping import MAXIMUM_MAPPING_BYTES

MULTIPART = "multipart/form-data"
FILE, MAPPING = "file", "mapping"
RECEIVING = "receiving-"
ABANDONED_SECONDS = 3_600
"""A file to which nothing was written for so long belongs to a process that died."""

RETRY_AFTER_SECONDS = 60
_DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NAME_LIMIT = 200


class Upload(msgspec.Struct):
    """A file as it was received, with its SHA-256, and the mapping that came with it."""

    path: Path
    file_name: str
    file_digest: bytes
    mapping: bytes


@asynccontextmanager
async def received_upload(request: CityRequest, directory: Path) -> AsyncIterator[Upload]:
    """Receive the parts ``file`` and ``mapping``; whoever wants to keep the file moves it away.

    Raises HTTPException 415 for another media type, MalformedRequest for parts that are broken, missing,
    sent twice or unknown, ImportMappingInvalid for a mapping that is too large, and Busy where the disk
    is full. Nothing of a file that was not received whole stays behind.
    """
    boundary = _boundary_of(request)
    _make_room(directory)
    path = directory / f"{RECEIVING}{secrets.token_hex(8)}"
    try:
        with path.open("xb") as file:
            upload = await _receive(request, boundary, _Parts(path, file))
        yield upload
    except OSError as error:
        if error.errno not in _DISK_IS_FULL:
            raise
        msg = "There is no room for the file on the disk; nothing of it was kept. Send it again later."
        raise Busy(msg, retry_after_seconds=RETRY_AFTER_SECONDS) from error
    finally:
        path.unlink(missing_ok=True)


class _Parts:
    """The parts of a body as they arrive."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._digest = hashlib.sha256()
        self._mapping = bytearray()
        self._file_name = ""
        self._seen: list[str] = []

    def open_part(self, part: MultipartSegment) -> None:
        """Take a part's name."""
        if part.name not in {FILE, MAPPING}:
            _refuse(f"$.{part.name[:_NAME_LIMIT]}", "an unknown part", f"the parts {FILE} and {MAPPING}")
        if part.name in self._seen:
            _refuse(f"$.{part.name}", "the part twice", "it once")
        self._seen.append(part.name)
        if part.name == FILE:
            self._file_name = (part.filename or "")[:_NAME_LIMIT].replace("\x00", "")

    def add(self, data: bytes | bytearray) -> None:
        """Take some bytes of the part that was begun last."""
        if self._seen[-1] == FILE:
            self._digest.update(data)
            self._file.write(data)
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
        self._file.flush()
        os.fsync(self._file.fileno())
        return Upload(self._path, self._file_name, self._digest.digest(), bytes(self._mapping))


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
