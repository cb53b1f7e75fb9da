"""The file of the seal key: made, read and rotated.

Its first line is the private key, 64 hexadecimal digits; each further line is the public key of an earlier one,
whose seals stay good. Empty lines, and what follows a ``#``, say nothing.
"""

import os
import secrets
from pathlib import Path

from api.settings import SECRET_FILE_MODE, Settings, SettingsError
from ledger.rules.seal_keys import SEED_BYTES, SealKeys, parse_public_key

_WANTED = f"a private key of {2 * SEED_BYTES} hexadecimal digits, then a line for each earlier public key"


def create_seal_key(path: Path) -> bool:
    """Make the file, readable by its owner only; False where there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(path, [secrets.token_hex(SEED_BYTES)])
    except FileExistsError:
        return False
    return True


def read_seal_keys(settings: Settings) -> SealKeys:
    """Read the keys; raises SettingsError, which never shows what the file holds."""
    path = settings.seal_key_file
    keys = find_seal_keys(settings)
    if keys is None:
        raise SettingsError(f"there is no {path}: `citypoints init` makes it (CITYPOINTS_SEAL_KEY_FILE names another)")
    return keys


def find_seal_keys(settings: Settings) -> SealKeys | None:
    """Read the keys; None where there is no file. Raises SettingsError for one that cannot be used."""
    path = settings.seal_key_file
    try:
        lines = _lines(path)
        return SealKeys(bytes.fromhex(lines[0]), map(parse_public_key, lines[1:]))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {type(error).__name__}") from error
    except (ValueError, IndexError):
        raise SettingsError(f"{path}: got something else, wanted {_WANTED}") from None


def rotate_seal_key(settings: Settings) -> SealKeys:
    """Put a new private key into the file, and the old one's public key under it; all at once or not at all."""
    old = read_seal_keys(settings)
    path = settings.seal_key_file
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    _write(unfinished, [secrets.token_hex(SEED_BYTES), *sorted(old.trusted)])
    unfinished.replace(path)
    return read_seal_keys(settings)


def _write(path: Path, lines: list[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def _lines(path: Path) -> list[str]:
    stripped = [line.partition("#")[0].strip() for line in path.read_text(encoding="ascii").splitlines()]
    return [line for line in stripped if line]
