"""Where webhooks may lead: nowhere inside, unless the operator allows it; and only to whom the certificate names."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.webhooks import targets
from api.webhooks.allowed_targets import AllowedTargets, is_public
from api.webhooks.targets import Target, TargetRefused, find_target
from tests.service import Service
from tests.webhooks.conftest import Shop, Working
from tests.webhooks.receiver import Receiver, wait_until

NOBODY = AllowedTargets()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://0/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1:8443/hooks",
        "https://no-such-host.invalid/",
        "http://93.184.215.14/",
        "ftp://93.184.215.14/",
        "//93.184.215.14/",
        "https://",
        "https:///path",
        "https://user@93.184.215.14/",
        "https://user:password@93.184.215.14/",
        "https://93.184.215.14/#fragment",
        "https://93.184.215.14:0/",
        "https://93.184.215.14:99999/",
        "https://93.184.215.14/a b",
        "https://93.184.215.14/\n",
        "https://93.184.215.14\\@127.0.0.1/",
        "https://[fe80::1%25eth0]/",
        "https://exämple.org/",
        "https://93.184.215.14/" + "x" * 2000,
        "javascript:alert(1)",
    ],
)
async def test_what_a_webhook_may_not_lead_to_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        await find_target(url, NOBODY)
    assert refused.value.facts["field"] == "$.url"


async def test_a_public_host_is_found_with_its_addresses() -> None:
    found = await find_target("https://93.184.215.14:8443/hooks?a=b", NOBODY)
    assert found == Target("https", "93.184.215.14", 8443, "/hooks?a=b", ("93.184.215.14",))
    assert found.authority == "93.184.215.14:8443"
    assert (await find_target("https://93.184.215.14", NOBODY)).path == "/"
    assert (await find_target("https://[2606:4700::1111]", NOBODY)).authority == "[2606:4700::1111]"


async def test_a_host_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Names with such addresses are not to be had in a test; everything after the look-up is real.
    monkeypatch.setattr(targets, "_addresses_of", lambda _host, _port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(TargetRefused):
        await find_target("https://both.example/", NOBODY)


@pytest.mark.parametrize("allowed", ["localhost", "LOCALHOST", "127.0.0.0/8,::1", "10.0.0.0/8, 127.0.0.1, ::1/128"])
async def test_the_operator_allows_hosts_addresses_and_networks_also_by_plain_http(allowed: str) -> None:
    for scheme in ("http", "https"):
        found = await find_target(f"{scheme}://localhost:8080/", AllowedTargets.parse(allowed))
        assert {ipaddress.ip_address(address).is_loopback for address in found.addresses} == {True}


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "10.0.0.1/8", "http://localhost", "a b", "*.example.org", "-x"])
def test_a_list_of_the_operators_that_cannot_be_read_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"^" + entry.replace("*", r"\*").replace(".", r"\.") + "$"):
        AllowedTargets.parse(f"localhost, {entry}")


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://169.254.169.254/latest", "https://nowhere.invalid/"])
def test_a_private_target_is_refused_when_the_webhook_is_made_and_the_refusal_is_kept(
    shop: Shop, service: Service, url: str
) -> None:
    first, again = (
        service.post("/v1/webhooks", {"url": url}, key=shop.key, idempotency_key="private") for _ in range(2)
    )
    assert (first.status_code, first.json()["code"]) == (422, "webhook-target-refused")
    assert first.json()["field"] == "$.url"
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert service.get("/v1/webhooks", key=shop.key).json()["items"] == []


def test_a_target_that_is_no_longer_allowed_gets_nothing(shop: Shop, working: Working) -> None:
    with Receiver() as receiver:
        webhook, _ = shop.add_webhook(receiver.url)
        shop.earn()
        with working(targets="example.org"):
            wait_until(lambda: any(one["last_failure"] for one in shop.deliveries(webhook)), "a failure")
    [delivery] = shop.deliveries(webhook)
    assert (delivery["state"], delivery["last_failure"]) == ("pending", "target-refused")
    assert receiver.received == []


def test_a_redirect_is_not_followed(shop: Shop, working: Working) -> None:
    with Receiver() as inside:
        with Receiver(lambda _: 307, headers={"Location": inside.url}) as receiver, working():
            webhook, _ = shop.add_webhook(receiver.url)
            shop.earn()
            receiver.wait_for(2)
            wait_until(lambda: shop.deliveries(webhook)[0]["last_failure"] == "redirect", "a failure")
        assert inside.received == []


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server of a name shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}.pem"
    file.write_bytes(private + pem)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(file)
    return shown, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.parametrize(("name", "failure"), [("localhost", None), ("elsewhere.example", "tls")])
def test_by_https_the_certificate_must_name_the_host(
    shop: Shop, working: Working, tmp_path: Path, name: str, failure: str | None
) -> None:
    shown, trust = certificate(tmp_path, name)
    with Receiver(trust=shown) as receiver, working(trust=trust):
        webhook, secret = shop.add_webhook(f"https://localhost:{receiver.port}/hooks")
        shop.earn()
        wait_until(
            lambda: any(one["last_failure"] or one["ended_at"] for one in shop.deliveries(webhook)), "an outcome"
        )
        assert shop.deliveries(webhook)[0]["last_failure"] == failure
        if failure is None:
            [one] = receiver.wait_for(1)
            assert one.headers["host"] == f"localhost:{receiver.port}"
            assert one.verified_by(secret)
        else:
            assert receiver.received == []


def test_an_unknown_authority_is_not_trusted(shop: Shop, working: Working, tmp_path: Path) -> None:
    shown, _ = certificate(tmp_path, "localhost")
    with Receiver(trust=shown) as receiver, working():
        webhook, _ = shop.add_webhook(f"https://localhost:{receiver.port}/hooks")
        shop.earn()
        wait_until(lambda: any(one["last_failure"] for one in shop.deliveries(webhook)), "a failure")
        assert shop.deliveries(webhook)[0]["last_failure"] == "tls"
    assert receiver.received == []
