"""The program `cse`, as people start it."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import Authority

CSE = Path(sys.executable).with_name("cse")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CSE_")}
PATIENCE = 30


class Serving:
    """A server program and the two lines that it has printed."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [CSE, "serve", *arguments],
            cwd=folder,
            env=ENVIRONMENT | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.lines = [self.process.stdout.readline(), self.process.stdout.readline()]
        self.address = self.lines[0].split()[3].rstrip(",")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        """What it wrote to stderr until it was gone."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE)[1]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path, "--port", "0")
    yield server
    if server.process.poll() is None:
        server.stop(signal.SIGKILL)


def refusal(folder: Path, *arguments: str, **variables: str) -> str:
    """The sentence with which `cse serve` refuses to start; nothing else may be printed."""
    result = subprocess.run(
        [CSE, "serve", *arguments],
        cwd=folder,
        env=ENVIRONMENT | variables,
        text=True,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def output(*arguments: str) -> str:
    """What a command that must succeed prints, in a wide window."""
    environment = ENVIRONMENT | {"COLUMNS": "200"}
    result = subprocess.run([CSE, *arguments], env=environment, text=True, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_curl_line_that_is_printed_works(serving: Serving) -> None:
    hint, _, command = serving.lines[1].partition(": ")
    assert hint == "try"
    result = subprocess.run(["curl", "-sS", *shlex.split(command)[1:]], text=True, capture_output=True, check=True)
    base = json.loads(result.stdout)["m2m:cb"]
    assert serving.address == f"{base['poa'][0]}/cse-in"
    assert base["csi"] == "/id-in"


def test_without_any_setting_resources_are_in_the_folder(serving: Serving, tmp_path: Path) -> None:
    assert (tmp_path / "cse-data" / "cse.sqlite").is_file()
    assert "cse-data/cse.sqlite" in serving.lines[0]


def test_the_environment_may_name_the_store_beside_a_folder_for_data(tmp_path: Path) -> None:
    server = Serving(tmp_path, "--port", "0", "--data", "data", CSE_SERVER__STORE="tinydb:///data/cse.json")
    assert server.stop(signal.SIGTERM) == ""
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {"cse.json", "cse.json.lock"}
    assert not list((tmp_path / "data").glob("*.sqlite"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quietly(serving: Serving, number: signal.Signals) -> None:
    assert serving.stop(number) == ""
    assert serving.process.returncode in (0, -number)


def test_a_second_server_on_the_same_store_is_refused(serving: Serving, tmp_path: Path) -> None:
    sentence = refusal(tmp_path, "--port", "0")
    assert "another server has it open" in sentence
    assert serving.process.poll() is None


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refusal(tmp_path, "--port", str(port), "--store", "memory:")


def test_an_address_for_everybody_needs_the_explicit_word(tmp_path: Path) -> None:
    assert "--insecure" in refusal(tmp_path, "--host", "0.0.0.0")
    server = Serving(tmp_path, "--host", "0.0.0.0", "--port", "0", "--store", "memory:", "--insecure")
    assert server.address.startswith("http://0.0.0.0:")
    server.stop()


def test_an_address_for_everybody_is_fine_with_credentials(tmp_path: Path) -> None:
    assert token(tmp_path, "CAdmin")
    server = Serving(tmp_path, "--host", "0.0.0.0", "--port", "0", "--set", "server.credentials=credentials.toml")
    assert "Authorization: Bearer" in server.lines[1]
    assert "unencrypted" in server.stop()


def test_plan_asks_over_https_with_a_token(tmp_path: Path) -> None:
    settings = Authority(tmp_path / "pki").server_settings() | {"credentials": "credentials.toml"}
    secret = token(tmp_path, "CAdmin")
    server = Serving(tmp_path, "--port", "0", *(f"--set=server.{name}={value}" for name, value in settings.items()))
    url = server.address.removesuffix("/cse-in")
    arguments = [str(CSE), "plan", "cse-in/nobody", "--url", url, "--authorities", settings["client_authorities"]]
    environments = [ENVIRONMENT, ENVIRONMENT | {"CSE_TOKEN": secret}]
    without, with_token = (
        subprocess.run(arguments, env=one, text=True, capture_output=True, check=False, timeout=PATIENCE)
        for one in environments
    )
    server.stop()
    assert "credential is missing" in without.stderr
    assert "cse-in/nobody" in with_token.stderr


def token(folder: Path, originator: str) -> str:
    """A bearer token for this originator, whose hash is in credentials.toml from now on."""
    arguments = [CSE, "credential", "token", "credentials.toml", originator]
    return subprocess.run(arguments, cwd=folder, text=True, capture_output=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "99999"], "port"),
        (["--host", "nowhere.invalid", "--insecure"], "nowhere.invalid"),
        (["--store", "postgres://x"], "store"),
        (["--data", "file"], "file"),
        (["--set", "server.nonsense=1"], "nonsense"),
        (["--set", "nonsense.parallel=1"], "nonsense"),
        (["--set", "server.port=many"], "port"),
        (["--set", "nonsense"], "SECTION.KEY=VALUE"),
        (["--set", "server.allowed_targets=everywhere"], "allowed_targets"),
        (["--set", "server.cse_id=in"], "cse_id"),
        (["--set", "server.cse_name=a b"], "cse_name"),
        (["--set", "server.credentials=nowhere.toml"], "nowhere.toml"),
        (["--set", "server.certificate=nowhere.pem"], "certificate"),
        (["--set", "server.private_key=nowhere.pem"], "certificate"),
        (["--set", "http-unicast.authorities=nowhere.pem"], "authorities"),
        (["--config", "wrong.toml"], "prot"),
        (["--config", "file"], "file"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "file").write_text("this is no folder")
    (tmp_path / "wrong.toml").write_text("[server]\nprot = 1\n")
    assert words in refusal(tmp_path, *arguments)


def test_the_environment_is_checked_too(tmp_path: Path) -> None:
    assert "port" in refusal(tmp_path, CSE_SERVER__PORT="many")


def test_settings_come_from_file_environment_and_command_line(tmp_path: Path) -> None:
    (tmp_path / "cse.toml").write_text('[server]\ncse_name = "home"\nstore = "memory:"\nport = 0\n')
    server = Serving(tmp_path, "--config", "cse.toml", "--set", "server.admin_originator=Cboss")
    assert server.address.endswith("/home")
    assert "Cboss" in server.lines[1]
    server.stop()


def test_plugins_lists_what_is_installed() -> None:
    listed = output("plugins")
    for name in ("loopback", "http-unicast", "udp-multicast", "lora-broadcast", "mbms", "resources", "contentInstance"):
        assert name in listed


def test_settings_lists_every_section() -> None:
    listed = output("settings")
    for name in ("[server]", "[http-unicast]", "max_body_bytes", "8388608", "TCP port to listen on"):
        assert name in listed


def test_plan_asks_a_running_server(serving: Serving) -> None:
    url = serving.address.removesuffix("/cse-in")
    arguments = [str(CSE), "plan", "cse-in/nobody", "--url", url]
    result = subprocess.run(arguments, text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert "cse-in/nobody" in result.stderr


def test_plan_without_a_server_says_so() -> None:
    result = subprocess.run(
        [CSE, "plan", "x", "--url", "http://127.0.0.1:1"], text=True, capture_output=True, check=False
    )
    assert result.returncode == 1
    assert "cse serve" in result.stderr


def test_types_lists_every_type() -> None:
    listed = output("types")
    for name in ("contentInstance", "m2m:cin", "made by the CSE", "fopt"):
        assert name in listed


@pytest.mark.parametrize("wanted", ["AE", "ae", "m2m:ae", "2"])
def test_types_lists_the_attributes_of_one(wanted: str) -> None:
    shown = output("types", wanted)
    assert "App-ID" in shown
    assert "maxNrOfInstances" not in shown


def test_types_says_that_there_is_none() -> None:
    result = subprocess.run([CSE, "types", "teapot"], text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert result.returncode == 1
    assert "there is no resource type teapot" in result.stderr
