"""Settings: dataclasses whose fields say name, default and help. Files, environment and `--help` derive from them.

A file is TOML; `[server]` holds the server's own section, every plugin has a section of its own. The environment
variable of `parallel` in section `http-unicast` is `CSE_HTTP_UNICAST__PARALLEL`; it wins over the file.
"""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast, get_type_hints


class ConfigurationError(Exception):
    """A setting that cannot be used; the message names section, key and remedy."""


class Section(Protocol):
    """A dataclass with a section name; every field has a default and is made with `setting`."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    section: ClassVar[str]


S = TypeVar("S", bound=Section)


def setting(default: Any, help: str) -> Any:  # noqa: A002 - it is the help text
    """One field of a settings section: a default (str, int, float, bool or a tuple of str) and one line of help."""
    return dataclasses.field(default=default, metadata={"help": help})


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """The server's own settings."""

    section: ClassVar[str] = "server"

    cse_id: str = setting("/id-in", "CSE-ID of this server, with its leading slash")
    cse_name: str = setting("cse-in", "resource name of the CSEBase")
    service_provider: str = setting("cse.example", "service provider domain, used in absolute addresses")
    admin_originator: str = setting("CAdmin", "originator that may do everything; empty for none")
    host: str = setting("127.0.0.1", "address to listen on; another than loopback needs --insecure")
    port: int = setting(8080, "TCP port to listen on; 0 picks a free one")
    store: str = setting("sqlite:///cse-data/cse.sqlite", "where resources are kept: sqlite:///PATH or memory:")
    data_folder: str = setting("cse-data", "folder for what networks must remember between restarts")
    allowed_targets: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"), "IP networks that requests may leave for (notifications and networks)"
    )
    max_body_bytes: int = setting(8 * 1024 * 1024, "largest request body in bytes")
    max_nesting: int = setting(32, "deepest nesting of lists and objects in a request body")
    default_lifetime: int = setting(365 * 86400, "seconds a resource lives when the request names no expirationTime")
    max_lifetime: int = setting(5 * 365 * 86400, "longest lifetime in seconds; a later expirationTime is shortened")
    max_discovery_results: int = setting(10_000, "most results of one discovery; more are cut with contentStatus 1")
    blocking_deadline: float = setting(10.0, "seconds a blocking fan-out may take without requestExpirationTimestamp")
    campaign_deadline: float = setting(86400.0, "seconds a non-blocking fan-out may take without one")
    result_lifetime: float = setting(86400.0, "seconds a <request> is kept after its end without resultPersistence")
    max_campaigns: int = setting(1000, "most unfinished fan-outs at the same time")
    fan_out_slice: int = setting(50, "local members that one unit of work handles")
    broadcast_repeats: int = setting(
        1, "times that a broadcast is repeated as the same datagram to reach silent members"
    )
    unicast_backoff: float = setting(2.0, "seconds before the second unicast attempt; doubles with every further one")
    unicast_backoff_limit: float = setting(60.0, "longest pause in seconds between unicast attempts")
    exchange_timeout: float = setting(5.0, "seconds to wait for the answer to a notification")
    parallel_notifications: int = setting(64, "notifications under way at the same time")


class Settings:
    """All sections, with values from defaults, a file, the environment and explicit overrides, in rising order."""

    def __init__(self, values: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._values = values or {}
        self._sections: dict[str, Section] = {}

    @classmethod
    def load(
        cls, path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, Mapping[str, Any]] | None = None
    ) -> "Settings":
        """Read a TOML file (None for none), then the environment, then overrides; ConfigurationError says what is wrong."""
        values: dict[str, dict[str, Any]] = {}
        if path is not None:
            try:
                document = tomllib.loads(path.read_text())
            except (OSError, tomllib.TOMLDecodeError) as error:
                raise ConfigurationError(f"cannot read {path}: {error}") from error
            _merge(values, document)
        _merge(values, _from_environment(environment))
        _merge(values, overrides or {})
        return cls(values)

    @property
    def server(self) -> ServerSettings:
        return self.section(ServerSettings)

    def section(self, kind: type[S]) -> S:
        """The values of one section, checked against the types of its fields."""
        if kind.section not in self._sections:
            self._sections[kind.section] = _fill(kind, self._values.get(kind.section, {}))
        return cast(S, self._sections[kind.section])

    def check(self, kinds: Iterable[type[Section]]) -> None:
        """ConfigurationError for a section or key that nobody knows."""
        known = {kind.section: kind for kind in kinds}
        for name, values in self._values.items():
            if name not in known:
                raise ConfigurationError(f"unknown section [{name}]; known are {', '.join(sorted(known))}")
            for key in values:
                if key not in known[name].__dataclass_fields__:
                    raise ConfigurationError(f"unknown setting {key} in [{name}]; `cse settings` lists all")
            self.section(known[name])


def _merge(values: dict[str, dict[str, Any]], more: Mapping[str, Mapping[str, Any]]) -> None:
    for section, content in more.items():
        if not isinstance(content, Mapping):
            raise ConfigurationError(f"{section} must be a section such as [server], not a value")
        values.setdefault(section, {}).update(content)


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    values: dict[str, dict[str, str]] = {}
    for name, value in environment.items():
        if name.startswith("CSE_") and "__" in name:
            section, key = name.removeprefix("CSE_").lower().split("__", 1)
            values.setdefault(section.replace("_", "-"), {})[key] = value
    return values


def _fill(kind: type[S], values: Mapping[str, Any]) -> S:
    types = get_type_hints(kind)
    known = {key: value for key, value in values.items() if key in kind.__dataclass_fields__}
    return kind(**{key: _convert(kind.section, key, value, types[key]) for key, value in known.items()})


def _convert(section: str, key: str, value: Any, wanted: Any) -> Any:
    try:
        if wanted is bool:
            return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        if wanted is int or wanted is float:
            return wanted(value)
        if wanted is str:
            return str(value)
        return tuple(value.split(",") if isinstance(value, str) else (str(item) for item in value))
    except (KeyError, TypeError, ValueError):
        name = getattr(wanted, "__name__", "list of text")
        raise ConfigurationError(f"{key} in [{section}] must be of type {name}, not {value!r}") from None
