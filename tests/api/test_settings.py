"""Settings from the environment."""

import stat
from ipaddress import ip_network
from pathlib import Path

import pytest

from api.settings import SETTINGS, Settings, SettingsError, create_ledger_key
from api.webhooks.allowed_targets import AllowedTargets

KEY = "0f" * 32

# What they mean together is tried in tests/pages/test_sign_in_settings.py.
SIGN_IN = (
    "CITYPOINTS_PUBLIC_URL",
    "CITYPOINTS_OIDC_ISSUER",
    "CITYPOINTS_OIDC_CLIENT_ID",
    "CITYPOINTS_OIDC_CLIENT_SECRET",
    "CITYPOINTS_OIDC_CLIENT_SECRET_FILE",
    "CITYPOINTS_DEMO_SIGN_IN",
)


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = Settings.from_environment({})
    shown = {
        "CITYPOINTS_DATA": f"./{settings.data_directory}",
        "CITYPOINTS_HOST": settings.host,
        "PORT": str(settings.port),
        "CITYPOINTS_WORKERS": str(settings.workers),
        "CITYPOINTS_LANE_GROUPS": str(settings.lane_groups),
        "DATABASE_URL": settings.database_url,
        "MIGRATE_DATABASE_URL": settings.migrate_database_url,
        "CITYPOINTS_LEDGER_KEY": settings.ledger_key,
        "CITYPOINTS_SEAL_KEY_FILE": settings.seal_key_path,
        "CITYPOINTS_SEALS": settings.seals_path,
        "CITYPOINTS_BACKUP": settings.backup_directory,
        "CITYPOINTS_WEBHOOK_TARGETS": None if settings.webhook_targets == AllowedTargets() else "something",
        **dict.fromkeys(SIGN_IN, settings.sign_in),
        "CITYPOINTS_SANDBOX_URL": settings.sandbox_url,
        "CITYPOINTS_LIVE_URL": settings.live_url,
        # Of the person at the command line, not of the service.
        "CITYPOINTS_KEY": None,
        "CITYPOINTS_LOG_LEVEL": settings.log_level,
        "PROMETHEUS_MULTIPROC_DIR": settings.metrics_directory,
    }
    assert shown == {name: setting.default for name, setting in SETTINGS.items()}


def test_every_setting_is_read() -> None:
    settings = Settings.from_environment(
        {
            "CITYPOINTS_DATA": "/srv/points",
            "CITYPOINTS_HOST": "0.0.0.0",
            "PORT": "9000",
            "CITYPOINTS_WORKERS": "4",
            "CITYPOINTS_LANE_GROUPS": "1",
            "DATABASE_URL": "postgresql://app@db/points",
            "MIGRATE_DATABASE_URL": "postgresql://owner@db/points",
            "CITYPOINTS_LEDGER_KEY": KEY,
            "CITYPOINTS_SEAL_KEY_FILE": "/run/secrets/seal.key",
            "CITYPOINTS_SEALS": "/mnt/seals",
            "CITYPOINTS_BACKUP": "/mnt/backup",
            "CITYPOINTS_WEBHOOK_TARGETS": "Hooks.internal, 10.0.0.0/8",
            "CITYPOINTS_SANDBOX_URL": "https://sandbox.points.city.example/merchant",
            "CITYPOINTS_LIVE_URL": "https://points.city.example",
            "CITYPOINTS_LOG_LEVEL": "DEBUG",
            "PROMETHEUS_MULTIPROC_DIR": "/run/metrics",
            "UNRELATED": "x",
        }
    )
    assert (settings.data_directory, settings.host, settings.port) == (Path("/srv/points"), "0.0.0.0", 9000)
    assert (settings.workers, settings.lane_groups, settings.log_level) == (4, 1, "debug")
    assert settings.database_url == "postgresql://app@db/points"
    assert settings.migrate_database_url == "postgresql://owner@db/points"
    assert settings.metrics_directory == Path("/run/metrics")
    assert settings.seal_key_file == Path("/run/secrets/seal.key")
    assert settings.seals_directory == Path("/mnt/seals")
    assert settings.backup_directory == Path("/mnt/backup")
    assert settings.ledger_key is not None
    assert settings.sandbox_url == "https://sandbox.points.city.example/merchant"
    assert settings.live_url == "https://points.city.example"
    assert settings.webhook_targets == AllowedTargets(frozenset({"hooks.internal"}), (ip_network("10.0.0.0/8"),))


def test_the_seal_key_and_the_seals_are_in_the_data_folder_where_nothing_else_is_said() -> None:
    settings = Settings.from_environment({"CITYPOINTS_DATA": "/srv/points"})
    assert settings.seal_key_file == Path("/srv/points/seal.key")
    assert settings.seals_directory == Path("/srv/points/seals")


def test_an_empty_value_counts_as_not_set() -> None:
    assert Settings.from_environment({"PORT": "", "DATABASE_URL": ""}) == Settings.from_environment({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "eighty"),
        ("PORT", "８０"),
        ("CITYPOINTS_WORKERS", "-1"),
        ("CITYPOINTS_WORKERS", "65"),
        ("CITYPOINTS_LANE_GROUPS", "1.5"),
        ("CITYPOINTS_LOG_LEVEL", "chatty"),
        ("CITYPOINTS_WEBHOOK_TARGETS", "10.0.0.0/33"),
        ("CITYPOINTS_WEBHOOK_TARGETS", "http://hooks.internal"),
        ("CITYPOINTS_SANDBOX_URL", "sandbox.points.city.example"),
        ("CITYPOINTS_SANDBOX_URL", "javascript:alert(1)"),
        ("CITYPOINTS_LIVE_URL", "https://"),
        ("CITYPOINTS_LIVE_URL", "https://user@points.city.example"),
        ("DATABASE_URL", "mysql://app@db/points"),
        ("MIGRATE_DATABASE_URL", "points"),
        ("CITYPOINTS_LEDGER_KEY", "xyz"),
        ("CITYPOINTS_LEDGER_KEY", "0f" * 31),
    ],
)
def test_a_bad_value_names_the_variable_what_was_got_and_what_is_wanted(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: got .*, wanted "):
        Settings.from_environment({name: value})


def test_no_message_repeats_a_password_or_a_key() -> None:
    for name, value in (("DATABASE_URL", "http://app:hunter2@db"), ("CITYPOINTS_LEDGER_KEY", "hunter2" * 20)):
        with pytest.raises(SettingsError) as caught:
            Settings.from_environment({name: value})
        assert "hunter2" not in str(caught.value)
    assert KEY not in repr(Settings.from_environment({"CITYPOINTS_LEDGER_KEY": KEY}))


def test_the_key_file_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    assert create_ledger_key(folder)
    file = folder / "ledger.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert not create_ledger_key(folder)
    assert file.read_text() == text
    key = Settings.from_environment({"CITYPOINTS_DATA": str(folder)}).read_ledger_key()
    same = Settings.from_environment({"CITYPOINTS_LEDGER_KEY": text.strip()}).read_ledger_key()
    assert key.check_value() == same.check_value()


def test_a_missing_or_broken_key_file_is_told_in_one_line(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CITYPOINTS_DATA": str(tmp_path)})
    with pytest.raises(SettingsError, match="citypoints init"):
        settings.read_ledger_key()
    (tmp_path / "ledger.key").write_text("not hexadecimal")
    with pytest.raises(SettingsError, match="wanted 64 or more hexadecimal digits"):
        settings.read_ledger_key()
    (tmp_path / "ledger.key").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.read_ledger_key()
