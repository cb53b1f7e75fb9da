"""What the operator may say about signing in, and what stops the service with a line that names the variable."""

from pathlib import Path

import pytest

from api.settings import Settings, SettingsError
from api.signing_in.cookies import PENDING, SESSION, cookie, no_cookie
from api.signing_in.settings import ClientSecret
from api.signing_in.signing_in import SigningIn

WHOLE = {
    "CITYPOINTS_PUBLIC_URL": "https://points.city.example/",
    "CITYPOINTS_OIDC_ISSUER": "https://id.city.example/realms/city",
    "CITYPOINTS_OIDC_CLIENT_ID": "city-points",
}
SECRET = "0123456789abcdef" * 4


def test_nobody_can_sign_in_where_nothing_is_said() -> None:
    assert Settings.from_environment({}).sign_in is None
    assert Settings.from_environment({"CITYPOINTS_PUBLIC_URL": "https://points.city.example"}).sign_in is None


def test_the_settings_of_signing_in_are_read(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    found = Settings.from_environment({**WHOLE, "CITYPOINTS_OIDC_CLIENT_SECRET_FILE": str(file)}).sign_in
    assert found is not None
    assert (found.issuer, found.client_id) == ("https://id.city.example/realms/city", "city-points")
    assert found.public_url == "https://points.city.example"
    assert found.is_secure
    assert found.read_client_secret() == "s3cret"
    assert found.demo_secret is None
    plain = Settings.from_environment({**WHOLE, "CITYPOINTS_OIDC_CLIENT_SECRET": "s3cret"}).sign_in
    assert plain is not None
    assert plain.read_client_secret() == "s3cret"
    assert "s3cret" not in repr(plain)
    assert "s3cret" not in repr(ClientSecret("s3cret"))


@pytest.mark.parametrize("left_out", list(WHOLE))
def test_half_of_it_is_refused_by_name(left_out: str) -> None:
    given = {name: value for name, value in WHOLE.items() if name != left_out}
    with pytest.raises(SettingsError, match=rf"^{left_out}: got nothing beside .* needs"):
        Settings.from_environment(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CITYPOINTS_PUBLIC_URL", "points.city.example"),
        ("CITYPOINTS_PUBLIC_URL", "http://points.city.example"),
        ("CITYPOINTS_PUBLIC_URL", "https://points.city.example/portal"),
        ("CITYPOINTS_PUBLIC_URL", "https://user:secret@points.city.example"),
        ("CITYPOINTS_PUBLIC_URL", "https://points.city.example:port"),
        ("CITYPOINTS_PUBLIC_URL", "ftp://127.0.0.1"),
        ("CITYPOINTS_PUBLIC_URL", "https://"),
        ("CITYPOINTS_OIDC_ISSUER", "http://id.city.example"),
        ("CITYPOINTS_OIDC_ISSUER", "https://id.city.example/?a=b"),
        ("CITYPOINTS_OIDC_ISSUER", "https://id.city.example/#a"),
        ("CITYPOINTS_OIDC_ISSUER", "https://id city.example/"),
        ("CITYPOINTS_OIDC_ISSUER", "id.city.example"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: got .*, wanted ") as caught:
        Settings.from_environment({**WHOLE, name: value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_itself_may_be_reached_without_tls(host: str) -> None:
    found = Settings.from_environment({**WHOLE, "CITYPOINTS_PUBLIC_URL": f"http://{host}:8000"}).sign_in
    assert found is not None
    assert not found.is_secure


def test_a_secret_is_given_once_and_only_with_an_issuer() -> None:
    both = {"CITYPOINTS_OIDC_CLIENT_SECRET": "s3cret", "CITYPOINTS_OIDC_CLIENT_SECRET_FILE": "/nowhere"}
    with pytest.raises(SettingsError, match=r"^CITYPOINTS_OIDC_CLIENT_SECRET_FILE: got a file beside"):
        Settings.from_environment({**WHOLE, **both})
    for name, value in both.items():
        with pytest.raises(SettingsError, match=rf"^{name}: got a secret without CITYPOINTS_OIDC_ISSUER") as caught:
            Settings.from_environment({name: value})
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
async def test_a_secrets_file_that_cannot_be_used_stops_the_service(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    settings = Settings.from_environment({**WHOLE, "CITYPOINTS_OIDC_CLIENT_SECRET_FILE": str(file)})
    with pytest.raises(SettingsError, match=r"^CITYPOINTS_OIDC_CLIENT_SECRET_FILE: .*secret"):
        async with SigningIn.open(settings.sign_in):
            pass


def test_the_demos_sign_in_is_on_this_machine_alone_and_never_beside_a_provider() -> None:
    demo = {"CITYPOINTS_DEMO_SIGN_IN": SECRET, "PORT": "8123"}
    found = Settings.from_environment(demo).sign_in
    assert found is not None
    assert found.issuer == "http://127.0.0.1:8123/demo-sign-in"
    assert found.demo_secret == bytes.fromhex(SECRET)
    for host in ("0.0.0.0", "192.0.2.1", "points.city.example", "::"):
        with pytest.raises(SettingsError, match=r"^CITYPOINTS_HOST: got .*for this machine alone"):
            Settings.from_environment({**demo, "CITYPOINTS_HOST": host})
    with pytest.raises(SettingsError, match=r"^CITYPOINTS_OIDC_ISSUER: got an identity provider beside"):
        Settings.from_environment({**demo, **WHOLE})
    for short in ("ab", "not hexadecimal"):
        with pytest.raises(SettingsError, match=r"^CITYPOINTS_DEMO_SIGN_IN: wanted 64"):
            Settings.from_environment({"CITYPOINTS_DEMO_SIGN_IN": short})


def test_by_https_cookies_belong_to_this_host_alone_and_are_never_sent_in_clear() -> None:
    for name in (SESSION, PENDING):
        for made in (cookie(name, "x", is_secure=True), no_cookie(name, is_secure=True)):
            assert made.key == f"__Host-{name}"
            assert (made.secure, made.httponly, made.samesite, made.path, made.domain) == (True, True, "lax", "/", None)
        assert cookie(name, "x", is_secure=False).key == name
