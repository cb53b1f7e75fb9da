"""The npm package @sparticuz/chromium to a folder with a program and its libraries."""

import io
import shutil
import tarfile
from base64 import b64encode
from hashlib import sha512
from pathlib import Path

import brotli

# As npm's registry and lock files name it ("integrity"), for the version in chromium.py.
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="


class UnusablePackage(Exception):
    """The package is not the one that was meant."""


def unpack(package: Path, work: Path, target: Path, expected: str = SHA512) -> None:
    """Put the program and its ``lib`` into a folder, whole or not at all; what was there goes.

    ``work`` is a folder on the same file system that does not exist yet. Raises UnusablePackage.
    """
    packed = package.read_bytes()
    if (got := b64encode(sha512(packed).digest()).decode()) != expected:
        raise UnusablePackage(f"its SHA-512 is {got}, wanted is {expected}")
    work.mkdir()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        program = work / "chromium"
        program.write_bytes(_unpacked(archive, "package/bin/chromium.br"))
        program.chmod(0o755)
        # al2023: libraries that a bare machine lacks; swiftshader: drawing without a graphics card.
        for name in ("al2023", "swiftshader"):
            _put(_unpacked(archive, f"package/bin/{name}.tar.br"), work)
    if target.exists():
        shutil.rmtree(target)
    work.replace(target)


def _unpacked(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise UnusablePackage(f"{name} is no file")
    with member:
        unpacked: bytes = brotli.decompress(member.read())
        return unpacked


def _put(packed: bytes, folder: Path) -> None:
    """Write an archive's files; Python's own `filter="data"` came after 3.11.2, which Debian 12 has."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                file = folder / member.name
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(content.read())
