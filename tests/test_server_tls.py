"""HTTPS both ways: clients with certificates, and notifications to those who have one."""

import asyncio
import signal
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cse.config import ConfigurationError, ServerSettings
from cse.security.credentials import fingerprint
from cse.security.hashes import hash_token
from cse.security.tls import server_context
from tests.certificates import Authority
from tests.programs import program
from tests.servers import ADMIN, Listener, eventually, serving

TOKEN = "a-token-for-tests"
BEARER = f"Bearer {TOKEN}"
CREDENTIALS = f"""
[[credential]]
subject = "named.example"
originators = ["Cnamed"]

[[credential]]
originators = ["{{}}"]
fingerprint = "{{}}"

[[credential]]
token = "{hash_token(TOKEN)}"
originators = ["{ADMIN}"]
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def fingerprint_of(authority: Authority) -> str:
    return fingerprint(ssl.PEM_cert_to_DER_cert(authority.files("marked.example")[0].read_text()))


@pytest.fixture
def credentials(tmp_path: Path, authority: Authority) -> Path:
    """Cnamed by the name in its certificate, Cmarked by the fingerprint of it, the administrator by a token."""
    path = tmp_path / "credentials.toml"
    path.touch(0o600)
    path.write_text(CREDENTIALS.format("Cmarked", fingerprint_of(authority)))
    return path


@pytest.mark.usefixtures("clean_log")
async def test_the_public_address_is_one_of_https(authority: Authority) -> None:
    settings = authority.server_settings() | {"client_authorities": ""}
    async with serving(tls=authority.client(), **settings) as cse:
        base = await cse.client.get("/cse-in")
        assert base.resource["poa"] == [f"https://127.0.0.1:{cse.port}"]
        async with aiohttp.ClientSession() as stranger:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await stranger.get(cse.client.url)
            with pytest.raises(aiohttp.ClientError):
                await stranger.get(f"http://127.0.0.1:{cse.port}/cse-in")


@pytest.mark.usefixtures("clean_log")
async def test_a_certificate_says_who_a_client_is(authority: Authority, credentials: Path) -> None:
    for context, own, other in [
        (authority.client("named.example"), "Cnamed", "Cmarked"),
        (authority.client("marked.example"), "Cmarked", "Cnamed"),
    ]:
        async with serving(tls=context, credentials=str(credentials), **authority.server_settings()) as cse:
            registered = await cse.client.register("app", originator="C")
            assert (registered.rsc, registered.resource["aei"]) == (2001, own)
            assert (await cse.client.get("/cse-in/app", own)).rsc == 2000
            for originator in (other, ADMIN, "/id-in"):
                await cse.refuses("GET", "/cse-in/app", 4106, originator=originator)
            assert (await cse.client.get("/.cse/health")).rsc == 4106


@pytest.mark.usefixtures("clean_log")
async def test_who_has_no_certificate_may_have_another_credential(authority: Authority, credentials: Path) -> None:
    settings: dict[str, Any] = {"credentials": str(credentials), **authority.server_settings()}
    async with serving(tls=authority.client(), **settings) as cse:
        assert (await cse.client.get("/cse-in")).status == 401
        assert (await cse.client.get("/cse-in", Authorization=BEARER)).status == 200
        assert (await cse.client.get("/.cse/health", Authorization=BEARER)).status == 200


@pytest.mark.usefixtures("clean_log")
async def test_a_certificate_that_no_credential_names_opens_nothing(authority: Authority, credentials: Path) -> None:
    settings: dict[str, Any] = {"credentials": str(credentials), **authority.server_settings()}
    async with serving(tls=authority.client("unnamed.example"), **settings) as cse:
        answer = await cse.client.get("/cse-in", "Cnamed")
        assert (answer.status, answer.rsc) == (401, 4107)


@pytest.mark.usefixtures("clean_log")
async def test_a_certificate_of_another_authority_is_no_certificate(
    authority: Authority, credentials: Path, tmp_path: Path
) -> None:
    forged = authority.client("named.example", issuer=Authority(tmp_path / "other"))
    settings: dict[str, Any] = {"credentials": str(credentials), **authority.server_settings()}
    async with serving(tls=forged, **settings) as cse:
        with pytest.raises(aiohttp.ClientError):
            await cse.client.get("/cse-in", "Cnamed")


@pytest.mark.usefixtures("clean_log")
async def test_without_credentials_a_certificate_is_the_key_to_the_door(authority: Authority) -> None:
    settings = authority.server_settings()
    async with serving(tls=authority.client("anybody.example"), **settings) as cse:
        assert (await cse.client.get("/cse-in")).status == 200
    async with serving(tls=authority.client(), **settings) as cse:
        with pytest.raises(aiohttp.ClientError):
            await cse.client.get("/cse-in")


@pytest.mark.usefixtures("clean_log")
async def test_notifications_go_to_https_and_say_who_sends_them(authority: Authority) -> None:
    certificate, key = authority.files("cse.example")
    network = {"authorities": str(authority.file), "certificate": str(certificate), "private_key": str(key)}
    async with (
        Listener(tls=authority.server(clients=True)) as listener,
        serving(settings={"http-unicast": network}) as cse,
    ):
        await cse.client.register("app", listener.url)
        subscription = {"m2m:sub": {"rn": "news", "nu": ["Capp", f"{listener.url}/2"], "enc": {"net": [3]}}}
        assert (await cse.client.create("/cse-in/app", 23, subscription, "Capp")).rsc == 2001
        listener.received.clear()
        await cse.client.create("/cse-in/app", 3, {"m2m:cnt": {"rn": "box"}}, "Capp")
        received = await listener.wait(2)
        assert {one.content["m2m:sgn"]["nev"]["rep"]["m2m:cnt"]["rn"] for one in received} == {"box"}


async def test_nothing_is_sent_to_https_that_nobody_vouches_for(authority: Authority) -> None:
    async with Listener(tls=authority.server()) as listener, serving() as cse:
        await cse.client.register("app")
        subscription = {"m2m:sub": {"nu": [listener.url]}}
        answer = await cse.client.create("/cse-in/app", 23, subscription, "Capp")
        assert answer.rsc == 5204
        assert "certificate" in answer.debug
        assert listener.received == []


async def test_the_program_reads_its_credentials_again_on_a_signal(
    authority: Authority, credentials: Path, tmp_path: Path
) -> None:
    """With the event loop that `cse serve` has, which is not the one of the other tests."""
    settings = {"credentials": str(credentials), **authority.server_settings()}
    async with program(
        tmp_path,
        *(f"server.{name}={value}" for name, value in settings.items()),
        tls=authority.client("marked.example"),
    ) as cse:
        registered = await cse.client.register("app", originator="C")
        assert registered.resource["aei"] == "Cmarked"
        newer = CREDENTIALS.format("Cnewer", fingerprint_of(authority))
        await asyncio.to_thread(credentials.write_text, newer)
        cse.send(signal.SIGHUP)
        await eventually(lambda: cse.client.get("/cse-in/app", "Cmarked"), lambda answer: answer.rsc == 4106)
        assert (await cse.client.get("/cse-in/app", "Cnewer")).rsc == 4103


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"certificate": "nowhere.pem"}, "No such file"),
        ({"private_key": ""}, "chmod"),
        ({"private_key": "nowhere.pem"}, "No such file"),
        ({"client_authorities": "nowhere.pem"}, "No such file"),
        ({"certificate": ""}, "certificate"),
    ],
)
def test_files_that_can_not_be_used_are_refused(authority: Authority, changed: dict[str, str], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        server_context(ServerSettings(**authority.server_settings() | changed))


def test_a_key_that_everybody_may_read_is_refused(authority: Authority) -> None:
    settings = authority.server_settings()
    Path(settings["private_key"]).chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod"):
        server_context(ServerSettings(**settings))


def test_without_a_certificate_there_is_no_tls() -> None:
    assert server_context(ServerSettings()) is None
