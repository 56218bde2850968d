from pathlib import Path

import pytest

from cse.config import ConfigurationError
from cse.network import Delivery, Host
from cse.primitive import Operation, Request
from cse.testing.engine import RecordingEngine
from plugins.http_unicast.network import HttpUnicast
from plugins.http_unicast.settings import HttpUnicastSettings
from plugins.http_unicast.tokens import Tokens
from tests.web_servers import RawServer, header, http


def written(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "tokens.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def test_each_token_is_for_one_server(tmp_path: Path) -> None:
    tokens = Tokens(written(tmp_path, '"https://in.example" = "one"\n"http://10.0.0.1:8080/base" = "two"'))
    assert tokens.headers("https://IN.example:443/~/id-in/cse-in") == {"Authorization": "Bearer one"}
    assert tokens.headers("http://10.0.0.1:8080/x") == {"Authorization": "Bearer two"}
    for other in ("http://in.example/", "https://in.example:8443/", "http://10.0.0.1/", "https://in.example.evil/"):
        assert tokens.headers(other) == {}
    assert Tokens().headers("https://in.example/") == {}


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ('"https://in.example" = "secret"', 0o644, "chmod"),
        ('"ftp://in.example" = "secret"', 0o600, "ftp://in.example must be a URL"),
        ('"https://in.example" = 1', 0o600, "its token a text"),
        ('"https://in.example" = "a\\nb"', 0o600, "its token a text"),
        ('"https://in.example:x" = "secret"', 0o600, "can't be used"),
        ("no toml", 0o600, "can't be used"),
    ],
)
def test_a_file_that_is_wrong_is_refused_without_its_secrets(
    tmp_path: Path, text: str, mode: int, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        Tokens(written(tmp_path, text, mode))
    assert "secret" not in str(refusal.value)
    with pytest.raises(ConfigurationError):
        Tokens(str(tmp_path / "nothing"))


async def test_the_token_goes_along(tmp_path: Path) -> None:
    request = Request(Operation.RETRIEVE, "-", "/id-mn", "r1")
    engine = RecordingEngine(allowed=["127.0.0.1/32"])
    async with RawServer(lambda _: http(200)) as known, RawServer(lambda _: http(200)) as unknown:
        path = written(tmp_path, f'"{known.url()}" = "secret"')
        network = HttpUnicast(HttpUnicastSettings(tokens=path))
        await network.start(engine)
        for server in (known, unknown):
            host = Host("/id-in", (server.url(),))
            ((way,),) = await network.offers([host], request, "")
            await network.deliver(Delivery(request, way.offer, way.address, [host], "", 1, 5.0, float("inf")))
        await network.stop()
    assert header(known.requests[0], "Authorization") == "Bearer secret"
    assert header(unknown.requests[0], "Authorization") is None
