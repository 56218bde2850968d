"""Settings: where values come from, which win, and what is said about wrong ones."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.config import ConfigurationError, Section, ServerSettings, Settings, describe, setting


@dataclasses.dataclass(frozen=True)
class Example:
    section: ClassVar[str] = "some-radio"

    name: str = setting('a "radio"', "what it is called")
    channels: int = setting(3, "how many channels")
    power: float = setting(14.0, "dBm")
    listening: bool = setting(True, "whether it listens")
    plans: tuple[str, ...] = setting(("eu868", "us915"), "channel plans")


KINDS: list[type[Section]] = [ServerSettings, Example]


def example(**values: Any) -> Example:
    return Settings({"some-radio": values}).section(Example)


def load(text: str, folder: Path, environment: dict[str, str] | None = None, **overrides: Any) -> Settings:
    file = folder / "cse.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.load(file, environment or {}, {"server": overrides})


def test_without_a_file_everything_has_its_default() -> None:
    settings = Settings.load(None, {})
    assert settings.server == ServerSettings()
    assert settings.section(Example) == Example()


def test_overrides_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    text = '[server]\nhost = "127.0.0.2"\nport = 1\ncse_name = "Zürich"\n'
    server = load(text, tmp_path, {"CSE_SERVER__PORT": "2", "CSE_SERVER__HOST": "127.0.0.3"}, port=3).server
    assert (server.cse_name, server.host, server.port) == ("Zürich", "127.0.0.3", 3)


def test_every_type_comes_from_a_file(tmp_path: Path) -> None:
    text = '[some-radio]\nname = "x"\nchannels = 8\npower = 2\nlistening = false\nplans = ["a,b", "c"]\n'
    settings = load(text, tmp_path)
    settings.check(KINDS)
    assert settings.section(Example) == Example("x", 8, 2.0, False, ("a,b", "c"))


def test_every_type_comes_from_the_environment() -> None:
    values = {"name": "x", "channels": "8", "power": "2.5", "listening": "False", "plans": "a, b,"}
    settings = Settings.load(None, {f"CSE_SOME_RADIO__{name.upper()}": value for name, value in values.items()})
    settings.check(KINDS)
    assert settings.section(Example) == Example("x", 8, 2.5, False, ("a", "b"))


def test_an_empty_variable_is_an_empty_list() -> None:
    assert example(plans="").plans == ()


@pytest.mark.parametrize("name", ["CSE_", "CSE__PORT_", "CSE_HOME", "OTHER_SERVER__PORT", "cse_server__port"])
def test_variables_of_others_are_left_alone(name: str) -> None:
    Settings.load(None, {name: "x"}).check(KINDS)


@pytest.mark.parametrize(
    ("key", "value", "type_name"),
    [
        ("name", 5, "text"),
        ("name", ["x"], "text"),
        ("channels", 2.5, "a whole number"),
        ("channels", True, "a whole number"),
        ("channels", "many", "a whole number"),
        ("power", "nan", "a number"),
        ("power", float("inf"), "a number"),
        ("power", False, "a number"),
        ("power", None, "a number"),
        ("listening", "yes", "true or false"),
        ("listening", 2, "true or false"),
        ("plans", 5, "a list of text"),
        ("plans", [1], "a list of text"),
        ("plans", {"a": 1}, "a list of text"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(key: str, value: Any, type_name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{key} in \[some-radio\] must be {type_name}, not "):
        example(**{key: value})


def test_what_is_secret_is_not_printed() -> None:
    @dataclasses.dataclass(frozen=True)
    class Guarded:
        section: ClassVar[str] = "guarded"
        token: str = setting("", "a token", secret=True)

    assert "12345" not in repr(Settings({"guarded": {"token": "12345"}}).section(Guarded))
    with pytest.raises(ConfigurationError) as raised:
        Settings({"guarded": {"token": 12345}}).section(Guarded)
    assert str(raised.value) == "token in [guarded] must be text"


def test_check_reports_a_wrong_value_before_anybody_asks_for_it() -> None:
    with pytest.raises(ConfigurationError, match="port in"):
        Settings({"server": {"port": "http"}}).check(KINDS)


def test_an_unknown_section_is_reported_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown section \[sever\]; known are server, some-radio"):
        Settings.load(None, {"CSE_SEVER__PORT": "1"}).check(KINDS)


@pytest.mark.parametrize("key", ["prot", "section"])
def test_an_unknown_key_is_reported(key: str) -> None:
    settings = Settings({"server": {key: 1}})
    assert settings.server == ServerSettings()
    with pytest.raises(ConfigurationError, match=rf"unknown setting {key} in \[server\]"):
        settings.check(KINDS)


def test_two_plugins_with_one_section_are_reported() -> None:
    @dataclasses.dataclass(frozen=True)
    class Twin:
        section: ClassVar[str] = "some-radio"

    with pytest.raises(ConfigurationError, match=r"two plugins register the section \[some-radio\]"):
        Settings().check([*KINDS, Twin])


def test_a_value_outside_a_section_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"port must be a section such as \[server\]"):
        load("port = 1", tmp_path)


@pytest.mark.parametrize("content", [b"port = ", b"port = 1\nport = 2", b'name = "\xff"'])
def test_a_file_that_is_no_toml_is_reported_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"cannot read .*broken\.toml: "):
        Settings.load(file, {})


def test_a_missing_file_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*none\.toml: "):
        Settings.load(tmp_path / "none.toml", {})


def test_a_section_is_made_once() -> None:
    settings = Settings({"server": {"port": 1}})
    assert settings.server is settings.section(ServerSettings)


def test_a_description_says_name_type_default_variable_and_help() -> None:
    rows = describe(Example)
    assert [row.name for row in rows] == ["name", "channels", "power", "listening", "plans"]
    assert rows[0] == ("name", "text", '"a \\"radio\\""', "CSE_SOME_RADIO__NAME", "what it is called")
    assert rows[4].default == '["eu868", "us915"]'


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_that_are_described_make_a_file_that_changes_nothing(kind: type[Section], tmp_path: Path) -> None:
    lines = [f"{row.name} = {row.default}" for row in describe(kind)]
    settings = load("\n".join([f"[{kind.section}]", *lines]), tmp_path)
    settings.check(KINDS)
    assert settings.section(kind) == kind()


@pytest.mark.parametrize("kind", KINDS)
def test_the_variables_that_are_described_are_those_that_are_read(kind: type[Section]) -> None:
    values = {row.variable: str(tomllib.loads(f"x = {row.default}")["x"]) for row in describe(kind)}
    values |= {row.variable: "x" for row in describe(kind) if row.type == "a list of text"}
    Settings.load(None, values).check(KINDS)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(st.builds(Example, texts, st.integers(0), st.floats(0, allow_nan=False, allow_infinity=False), st.booleans()))
def test_values_of_the_right_type_stay_as_they_are(wanted: Example) -> None:
    values = dataclasses.asdict(wanted)
    assert example(**values) == wanted
    written = {f"CSE_SOME_RADIO__{name.upper()}": str(value) for name, value in values.items() if name != "plans"}
    assert Settings.load(None, written).section(Example) == wanted


@pytest.mark.parametrize(
    ("key", "value"), [("parallel_notifications", 0), ("fan_out_slice", -1), ("campaign_deadline", 0.0)]
)
def test_numbers_have_a_least_value(key: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{key} in .server. must be at least"):
        Settings({"server": {key: value}}).server  # noqa: B018 - reading checks


def test_zero_is_a_number_where_it_makes_sense() -> None:
    settings = Settings({"server": {"port": 0, "broadcast_repeats": "0"}}).server
    assert (settings.port, settings.broadcast_repeats) == (0, 0)
