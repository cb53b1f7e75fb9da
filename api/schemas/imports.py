"""Imports: how far a file has come."""

import msgspec

from api.answers import rfc3339
from ledger.store.imports import Import


class ImportAnswer(msgspec.Struct, frozen=True):
    """An import. ``posted`` includes ``partly_posted``; posted, refused and failed add up to ``lines_done``."""

    id: str
    state: str
    file_name: str
    file_bytes: int
    bytes_done: int
    lines_done: int
    posted: int
    partly_posted: int
    refused: int
    failed: int
    failure: str | None
    created_at: str
    finished_at: str | None
    lines: str
    """Where to download the lines that were not posted."""


def import_answer(this: Import) -> ImportAnswer:
    """Show an import to its partner."""
    return ImportAnswer(
        id=str(this.import_id),
        state=this.state,
        file_name=this.file_name,
        file_bytes=this.file_bytes,
        bytes_done=this.byte_offset,
        lines_done=this.lines_done,
        posted=this.posted,
        partly_posted=this.partly_posted,
        refused=this.refused,
        failed=this.failed,
        failure=this.failure,
        created_at=rfc3339(this.created_at),
        finished_at=None if this.finished_at is None else rfc3339(this.finished_at),
        lines=f"{import_path(this)}/lines",
    )


def import_path(this: Import) -> str:
    """The address of an import."""
    return f"/v1/imports/{this.import_id}"
