"""Settings: the environment, read once into a frozen Struct.

``SETTINGS`` names every variable; a test compares it with the documentation. A value that cannot be
used stops the program with one line that says which variable, what was got and what is wanted.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import msgspec

from api.signing_in.settings import SignInSettings, sign_in_settings
from api.webhooks.allowed_targets import AllowedTargets
from ledger.ids import LedgerKey

KEY_FILE = "ledger.key"
SEAL_KEY_FILE = "seal.key"
IMPORT_FOLDER = "imports"
SEALS_FOLDER = "seals"
KEY_BYTES = 32
SECRET_FILE_MODE = 0o600
LOG_LEVELS = ("debug", "info", "warning", "error")

_SHORTEST_PORT, _LONGEST_PORT = 1, 65_535
_MAXIMUM_WORKERS = 64
_MAXIMUM_LANE_GROUPS = 64


class Setting(msgspec.Struct, frozen=True):
    """One variable: what it is for, and what holds without it (None: nothing)."""

    name: str
    meaning: str
    default: str | None = None


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            "CITYPOINTS_DATA",
            "Folder of the embedded database, the ledger key and files of imports.",
            "./var",
        ),
        Setting("CITYPOINTS_HOST", "Address that `serve` listens on.", "127.0.0.1"),
        Setting("PORT", "Port that `serve` listens on, 1 to 65535.", "8000"),
        Setting("CITYPOINTS_WORKERS", "Processes that `serve` runs, 1 to 64.", "2"),
        Setting("CITYPOINTS_LANE_GROUPS", "Posters in each process, 1 to 64, each with a connection of its own.", "1"),
        Setting(
            "DATABASE_URL",
            "PostgreSQL 16 or newer as the service's role (citypoints_app). Without it: the embedded database.",
        ),
        Setting(
            "MIGRATE_DATABASE_URL",
            "The same database as its owner, for `migrate` and `init`; the service itself never uses it.",
        ),
        Setting(
            "CITYPOINTS_LEDGER_KEY",
            "Secret under which keys and references are looked up, 64 or more hexadecimal digits. "
            "Without it: the file ledger.key in CITYPOINTS_DATA, made by `init`.",
        ),
        Setting(
            "CITYPOINTS_SEAL_KEY_FILE",
            "File of the key that signs seals. Without it: the file seal.key in CITYPOINTS_DATA, made by `init`.",
        ),
        Setting(
            "CITYPOINTS_SEALS",
            "Folder outside the database that seals are written to. Without it: the folder seals in CITYPOINTS_DATA.",
        ),
        Setting(
            "CITYPOINTS_BACKUP",
            "Folder, best on another disk, that the embedded database stores its log in and `backup` its copies. "
            "Without it: no backup.",
        ),
        Setting(
            "CITYPOINTS_WEBHOOK_TARGETS",
            "Hosts, addresses and CIDR networks, with commas, that webhooks may lead to although they are not public; "
            "to them also by plain http.",
        ),
        Setting(
            "CITYPOINTS_KEY",
            "Staff key of the person who gives commands of `settle` and `terms`; the service does not use it.",
        ),
        Setting(
            "CITYPOINTS_PUBLIC_URL",
            "Address by which browsers reach the service, such as https://points.city.example; for signing in.",
        ),
        Setting(
            "CITYPOINTS_OIDC_ISSUER", "The identity provider (OpenID Connect) by which people sign in to the pages."
        ),
        Setting("CITYPOINTS_OIDC_CLIENT_ID", "What the identity provider calls this service."),
        Setting("CITYPOINTS_OIDC_CLIENT_SECRET", "The secret it gave this service; without one PKCE alone protects."),
        Setting("CITYPOINTS_OIDC_CLIENT_SECRET_FILE", "File with that secret, instead of the variable."),
        Setting(
            "CITYPOINTS_DEMO_SIGN_IN",
            "Secret of the demo's own sign-in; `serve --demo` sets it, and it holds on a loopback address only.",
        ),
        Setting(
            "CITYPOINTS_SANDBOX_URL",
            "Address of the sandbox that partners try things in; the merchant console of a live ledger leads there.",
        ),
        Setting(
            "CITYPOINTS_LIVE_URL",
            "Address of the live ledger; the merchant console of a sandbox leads there.",
        ),
        Setting("CITYPOINTS_LOG_LEVEL", "debug, info, warning or error; debug logs every request.", "info"),
        Setting(
            "PROMETHEUS_MULTIPROC_DIR",
            "Folder in which several processes keep their metrics together; `serve` sets and clears it.",
        ),
    )
}


class SettingsError(Exception):
    """A setting that cannot be used; its text is one line for the operator."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says; see ``SETTINGS`` for the meaning of each."""

    data_directory: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    lane_groups: int = 1
    database_url: str | None = None
    migrate_database_url: str | None = None
    ledger_key: LedgerKey | None = None
    seal_key_path: Path | None = None
    seals_path: Path | None = None
    backup_directory: Path | None = None
    webhook_targets: AllowedTargets = AllowedTargets()
    sign_in: SignInSettings | None = None
    sandbox_url: str | None = None
    live_url: str | None = None
    log_level: str = "info"
    metrics_directory: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings; raises SettingsError. An empty value counts as not set."""
        given = {name: environment[name] for name in SETTINGS if environment.get(name)}
        host = given.get("CITYPOINTS_HOST", "127.0.0.1")
        port = _integer(given, "PORT", 8000, _SHORTEST_PORT, _LONGEST_PORT)
        return cls(
            data_directory=Path(given.get("CITYPOINTS_DATA", "./var")),
            host=host,
            port=port,
            workers=_integer(given, "CITYPOINTS_WORKERS", 2, 1, _MAXIMUM_WORKERS),
            lane_groups=_integer(given, "CITYPOINTS_LANE_GROUPS", 1, 1, _MAXIMUM_LANE_GROUPS),
            database_url=_address(given, "DATABASE_URL"),
            migrate_database_url=_address(given, "MIGRATE_DATABASE_URL"),
            ledger_key=_key(given),
            seal_key_path=_path(given, "CITYPOINTS_SEAL_KEY_FILE"),
            seals_path=_path(given, "CITYPOINTS_SEALS"),
            backup_directory=_path(given, "CITYPOINTS_BACKUP"),
            webhook_targets=_webhook_targets(given),
            sign_in=_sign_in(given, host, port),
            sandbox_url=_page_address(given, "CITYPOINTS_SANDBOX_URL"),
            live_url=_page_address(given, "CITYPOINTS_LIVE_URL"),
            log_level=_log_level(given),
            metrics_directory=_path(given, "PROMETHEUS_MULTIPROC_DIR"),
        )

    @property
    def seal_key_file(self) -> Path:
        """The file of the key that signs seals."""
        return self.seal_key_path or self.data_directory / SEAL_KEY_FILE

    @property
    def seals_directory(self) -> Path:
        """The folder outside the database that seals are written to."""
        return self.seals_path or self.data_directory / SEALS_FOLDER

    @property
    def imports_directory(self) -> Path:
        """The folder of files received for import."""
        return self.data_directory / IMPORT_FOLDER

    def read_ledger_key(self) -> LedgerKey:
        """The ledger key, from its variable or its file; raises SettingsError."""
        if self.ledger_key is not None:
            return self.ledger_key
        path = self.data_directory / KEY_FILE
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            message = f"CITYPOINTS_LEDGER_KEY is not set and there is no {path}: `citypoints init` makes it"
            raise SettingsError(message) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} cannot be read: {type(error).__name__}") from error
        return _ledger_key(text, str(path))


def create_ledger_key(data_directory: Path) -> bool:
    """Make the key file, readable by its owner only; False where there is one already."""
    data_directory.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(data_directory / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_FILE_MODE)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
    return True


def _path(given: Mapping[str, str], name: str) -> Path | None:
    text = given.get(name)
    return None if text is None else Path(text)


def _integer(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    raise SettingsError(f"{name}: got {text!r}, wanted a whole number from {least} to {most}")


def _address(given: Mapping[str, str], name: str) -> str | None:
    """Check an address without ever repeating it: it may hold a password."""
    text = given.get(name)
    if text is None:
        return None
    scheme = urlsplit(text).scheme
    if scheme not in {"postgresql", "postgres"}:
        raise SettingsError(f"{name}: got the scheme {scheme!r}, wanted postgresql://…")
    return text


def _page_address(given: Mapping[str, str], name: str) -> str | None:
    """An address that a page leads to: http or https with a host, no user, query or fragment."""
    text = given.get(name)
    if text is None:
        return None
    wanted = "an address such as https://sandbox.points.city.example"
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good or not text.isascii() or not text.isprintable() or any(mark in text for mark in "@?# "):
        raise SettingsError(f"{name}: got {len(text)} characters that are no such address, wanted {wanted}")
    return text


def _key(given: Mapping[str, str]) -> LedgerKey | None:
    text = given.get("CITYPOINTS_LEDGER_KEY")
    return None if text is None else _ledger_key(text, "CITYPOINTS_LEDGER_KEY")


def _ledger_key(text: str, where: str) -> LedgerKey:
    wanted = f"{2 * KEY_BYTES} or more hexadecimal digits"
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        raise SettingsError(
            f"{where}: got {len(text)} characters that are not all hexadecimal, wanted {wanted}"
        ) from None
    if len(secret) < KEY_BYTES:
        raise SettingsError(f"{where}: got {len(text)} hexadecimal digits, wanted {wanted}")
    return LedgerKey(secret)


def _webhook_targets(given: Mapping[str, str]) -> AllowedTargets:
    try:
        return AllowedTargets.parse(given.get("CITYPOINTS_WEBHOOK_TARGETS", ""))
    except ValueError as error:
        wanted = "host names, addresses or networks such as 10.0.0.0/8, with commas"
        raise SettingsError(f"CITYPOINTS_WEBHOOK_TARGETS: got {str(error)!r}, wanted {wanted}") from None


def _sign_in(given: Mapping[str, str], host: str, port: int) -> SignInSettings | None:
    try:
        return sign_in_settings(given, host, port)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _log_level(given: Mapping[str, str]) -> str:
    text = given.get("CITYPOINTS_LOG_LEVEL", "info").lower()
    if text not in LOG_LEVELS:
        raise SettingsError(f"CITYPOINTS_LOG_LEVEL: got {text!r}, wanted one of {', '.join(LOG_LEVELS)}")
    return text
