"""Settings: dataclasses whose fields say name, default and help. Files, environment and `--help` derive from them.

A file is TOML; `[server]` holds the server's own section, every plugin has a section of its own. The environment
variable of `parallel` in section `http-unicast` is `CSE_HTTP_UNICAST__PARALLEL`; it wins over the file. Section names
are lower-case words with hyphens.
"""

import dataclasses
import json
import math
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar, cast, get_type_hints

from cse.serialization.limits import Limits


class ConfigurationError(Exception):
    """A setting that cannot be used; the message names section, key and remedy."""


def require_private(path: Path) -> None:
    """ConfigurationError if others than the owner and the group of a file have a right to it; OSError without it."""
    if path.stat().st_mode & stat.S_IRWXO:
        raise ConfigurationError(f"everybody may read or change {path.name}: chmod o= {path}")


class Section(Protocol):
    """A dataclass with a section name; every field has a default and is made with `setting`."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    section: ClassVar[str]


S = TypeVar("S", bound=Section)


def setting(
    default: Any,
    help: str,  # noqa: A002 - text
    *,
    minimum: float = 0,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """One field of a settings section: a default (str, int, float, bool or a tuple of str) and one line of help.

    A number must not be below `minimum`; a text must be one of the `choices` if there are any. What is `secret` does
    not appear when the section is printed.
    """
    metadata = {"help": help, "minimum": minimum, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """The server's own settings."""

    section: ClassVar[str] = "server"

    cse_id: str = setting("/id-in", "CSE-ID of this server, with its leading slash")
    cse_name: str = setting("cse-in", "resource name of the CSEBase")
    service_provider: str = setting("cse.example", "service provider domain, used in absolute addresses")
    cse_type: str = setting(
        "", "IN, MN or ASN; empty: MN with a registrar, IN without one", choices=("", "IN", "MN", "ASN")
    )
    registrar: str = setting("", "URL of the CSE that this one registers with; empty for none")
    registration_interval: float = setting(
        30.0, "seconds after which the registration with the registrar is renewed", minimum=0.001
    )
    registration_lifetime: int = setting(3600, "seconds that it lives without being renewed", minimum=1)
    registrees: tuple[str, ...] = setting(
        ("/*",), "CSE-IDs of the CSEs that may register here, in which * stands for any characters"
    )
    points_of_access: tuple[str, ...] = setting(
        (), "URLs at which other CSEs reach this one, in the order of preference; empty: where it listens"
    )
    admin_originator: str = setting("CAdmin", "originator that may do everything; empty for none")
    host: str = setting("127.0.0.1", "address to listen on; another than loopback needs --insecure")
    port: int = setting(8080, "TCP port to listen on; 0 picks a free one")
    credentials: str = setting("", "file that binds credentials to originators; empty: X-M2M-Origin is believed")
    keys: str = setting(
        "", "file with the keys that protect requests to devices; env:NAME for the text of a variable; empty for none"
    )
    certificate: str = setting("", "file with the server's certificate chain (PEM): HTTPS instead of HTTP")
    private_key: str = setting("", "file with the private key of the certificate (PEM)")
    client_authorities: str = setting(
        "", "file with the authorities of client certificates (PEM); empty: none is asked for"
    )
    cors_origins: tuple[str, ...] = setting(
        (), "origins of web pages that browsers may call this server from; * for all"
    )
    store: str = setting(
        "sqlite:///cse-data/cse.sqlite",
        "where resources are kept: sqlite:///PATH, tinydb:///PATH (JSON), postgresql://... or memory:",
    )
    specializations: str = setting(
        "", "folder with tables (TOML) of management objects and flexContainers of one's own; empty for none"
    )
    data_folder: str = setting("cse-data", "folder for what networks must remember between restarts")
    allowed_targets: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"), "IP networks that requests may leave for (notifications and networks)"
    )
    open_types: tuple[str, ...] = setting(
        ("1",), "numbers of the types that everybody may create below the CSEBase, as its first policy says"
    )
    max_body_bytes: int = setting(8 * 1024 * 1024, "largest request body in bytes", minimum=1)
    max_head_bytes: int = setting(
        64 * 1024,
        "most bytes of a request over HTTP beside its body: request line, headers, sizes of chunks",
        minimum=1,
    )
    receive_timeout: float = setting(
        60.0,
        "seconds in which a request over HTTP must have come, from its first byte or the connection on",
        minimum=0.001,
    )
    keep_alive_timeout: int = setting(5, "seconds that a connection over HTTP is kept after a response", minimum=1)
    max_connections: int = setting(
        10_000, "most connections over HTTP at a time; requests by further ones get HTTP status 503", minimum=1
    )
    max_nesting: int = setting(32, "deepest nesting of lists and objects in a request body", minimum=1)
    max_values: int = setting(250_000, "most values in a request body, those in lists and objects counted", minimum=1)
    leniency: str = setting(
        "by-release",
        "whose deviations in form are overlooked: by-release (requests that state no release), always or never",
        choices=("by-release", "always", "never"),
    )
    default_lifetime: int = setting(
        365 * 86400, "seconds a resource lives when the request names no expirationTime", minimum=1
    )
    max_lifetime: int = setting(
        5 * 365 * 86400, "longest lifetime in seconds; a later expirationTime is shortened", minimum=1
    )
    max_discovery_results: int = setting(
        10_000, "most results of one discovery; more are cut with contentStatus 1", minimum=1
    )
    blocking_deadline: float = setting(
        10.0, "seconds a blocking fan-out may take without requestExpirationTimestamp", minimum=0.001
    )
    flexible_patience: float = setting(
        2.0, "seconds after which a flexBlocking fan-out is answered with what has come in", minimum=0.001
    )
    campaign_deadline: float = setting(86400.0, "seconds a non-blocking fan-out may take without one", minimum=0.001)
    result_lifetime: float = setting(86400.0, "seconds a <request> is kept after its end without resultPersistence")
    max_campaigns: int = setting(1000, "most unfinished fan-outs at the same time", minimum=1)
    max_campaigns_of_one: int = setting(
        100, "most unfinished fan-outs of one originator at the same time, but for the administrator", minimum=1
    )
    canary: int = setting(0, "members that are asked by unicast before all others; 0 for none")
    canary_success: float = setting(80.0, "percentage of these that must succeed, or the fan-out is aborted")
    canary_timeout: float = setting(60.0, "seconds in which they must", minimum=0.001)
    abort_percent: float = setting(
        100.0, "percentage of the members that have finished that may fail; with more a fan-out is aborted"
    )
    abort_minimum: int = setting(20, "members that must have finished before a fan-out is aborted for that", minimum=1)
    fan_out_slice: int = setting(25, "local members that one unit of work handles", minimum=1)
    broadcast_repeats: int = setting(
        1, "times that a broadcast is repeated as the same datagram to reach silent members"
    )
    sub_group_members: int = setting(
        10, "members of a group on one other CSE for which a group is made there, to address them together; 0: never"
    )
    sub_group_cost: int = setting(1000, "cost of one request to such a group in micro-units")
    sub_group_member_cost: int = setting(100, "cost of each of its members in it")
    sub_group_latency: float = setting(1.0, "seconds after which the answers of its members are expected")
    exchange_timeout: float = setting(5.0, "seconds to wait for the answer to a notification", minimum=0.001)
    forwarding_timeout: float = setting(
        15.0, "seconds to wait for the answer of another CSE to a forwarded request, by each way to it", minimum=0.001
    )
    max_forwarded: int = setting(1000, "most requests on their way to other CSEs at the same time", minimum=1)
    stored_lifetime: float = setting(
        86400.0, "seconds a notification waits until its target fetches it from its polling channel", minimum=0.001
    )
    polling_timeout: float = setting(
        30.0, "seconds a polling channel keeps a poll open without requestExpirationTimestamp", minimum=0.001
    )
    polling_queue: int = setting(1000, "most requests that wait in one polling channel", minimum=1)
    polling_cost: int = setting(2000, "cost of one request by polling channel in micro-units")
    polling_latency: float = setting(5.0, "seconds after which an entity is expected to have polled")
    parallel_notifications: int = setting(256, "notifications under way at the same time", minimum=1)
    max_notification_targets: int = setting(100, "most notification targets of a subscription", minimum=1)
    subscription_reference: str = setting(
        "unstructured",
        "how notifications name their subscription: by its resource identifier or by its structured address",
        choices=("unstructured", "structured"),
    )
    batch_duration: int = setting(60, "seconds after which a batch without a duration of its own is sent", minimum=1)
    max_batch: int = setting(1000, "notifications in a batch, which is then sent even if it could go on", minimum=1)
    max_stored_notifications: int = setting(
        1000, "most notifications that wait for one target of a subscription; the oldest are dropped", minimum=1
    )
    notification_backoff_limit: float = setting(
        60.0,
        "longest pause in seconds between attempts at a notification target that can't be reached; the first is 1 s",
        minimum=0.001,
    )
    notification_lifetime: float = setting(
        300.0, "seconds after which a notification is not tried any more if its target can't be reached", minimum=0.001
    )
    notification_queue: int = setting(
        10_000, "most notifications that wait for one target; the oldest are dropped", minimum=1
    )
    max_notifications: int = setting(
        100_000, "most that wait for all targets together; the oldest for those with the most are dropped", minimum=1
    )

    @property
    def content_limits(self) -> Limits:
        """What a request body may hold."""
        return Limits(self.max_nesting, self.max_values)

    @property
    def kind(self) -> str:
        """Where this CSE stands among others: IN, MN or ASN."""
        return self.cse_type or ("MN" if self.registrar else "IN")

    @property
    def reachable_at(self) -> tuple[str, ...]:
        """Where other CSEs reach this one."""
        return self.points_of_access or (self.url,)

    @property
    def url(self) -> str:
        """Where the server is found."""
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://[{self.host}]:{self.port}" if ":" in self.host else f"{scheme}://{self.host}:{self.port}"


class Settings:
    """All sections, with values from defaults, a file, the environment and explicit overrides, in rising order."""

    def __init__(self, values: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._values = values or {}
        self._sections: dict[str, Section] = {}

    @classmethod
    def load(
        cls, path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, Mapping[str, Any]] | None = None
    ) -> "Settings":
        """Read a TOML file (None for none), then the environment, then overrides; ConfigurationError if it's wrong."""
        values: dict[str, dict[str, Any]] = {}
        if path is not None:
            _merge(values, _read(path))
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
        """ConfigurationError for a section or key that nobody knows, or that two plugins claim."""
        known: dict[str, type[Section]] = {}
        for kind in kinds:
            if known.setdefault(kind.section, kind) is not kind:
                raise ConfigurationError(f"two plugins register the section [{kind.section}]: rename or remove one")
        for name, values in self._values.items():
            if name not in known:
                raise ConfigurationError(f"unknown section [{name}]; known are {', '.join(sorted(known))}")
            for key in sorted(values.keys() - _names(known[name])):
                raise ConfigurationError(f"unknown setting {key} in [{name}]; `cse settings` lists all")
            self.section(known[name])


class Description(NamedTuple):
    """One setting, for people."""

    name: str
    type: str
    default: str
    variable: str
    help: str


def describe(kind: type[Section]) -> list[Description]:
    """The settings of a section in the order of its fields; defaults as they stand in a TOML file."""
    types = get_type_hints(kind)
    prefix = f"CSE_{kind.section.replace('-', '_')}__".upper()
    return [
        Description(
            name=field.name,
            type=_TYPES[types[field.name]].name,
            default=_toml(field.default),
            variable=prefix + field.name.upper(),
            help=field.metadata["help"],
        )
        for field in dataclasses.fields(kind)
    ]


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # The escapes of JSON are those of TOML's basic strings.
    return json.dumps(value, ensure_ascii=False)


def _names(kind: type[Section]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error


def _merge(values: dict[str, dict[str, Any]], more: Mapping[str, Mapping[str, Any]]) -> None:
    for section, content in more.items():
        if not isinstance(content, Mapping):
            raise ConfigurationError(f"{section} must be a section such as [server], not a value")
        values.setdefault(section, {}).update(content)


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    values: dict[str, dict[str, str]] = {}
    for name, value in environment.items():
        section, separator, key = name.removeprefix("CSE_").lower().partition("__")
        if name.startswith("CSE_") and separator:
            values.setdefault(section.replace("_", "-"), {})[key] = value
    return values


def _fill(kind: type[S], values: Mapping[str, Any]) -> S:
    types = get_type_hints(kind)
    known = values.keys() & _names(kind)
    filled = {key: _convert(kind, key, values[key], types[key]) for key in known}
    for key, value in filled.items():
        minimum, choices = (kind.__dataclass_fields__[key].metadata[limit] for limit in ("minimum", "choices"))
        if isinstance(value, int | float) and value < minimum:
            raise ConfigurationError(f"{key} in [{kind.section}] must be at least {minimum:g}, not {value:g}")
        if choices and value not in choices:
            raise ConfigurationError(f"{key} in [{kind.section}] must be one of {', '.join(choices)}, not {value!r}")
    return kind(**filled)


def _convert(section: type[Section], key: str, value: Any, wanted: Any) -> Any:
    kind = _TYPES[wanted]
    try:
        return kind.convert(value)
    except (KeyError, TypeError, ValueError):
        instead = f", not {value!r}" if section.__dataclass_fields__[key].repr else ""
        raise ConfigurationError(f"{key} in [{section.section}] must be {kind.name}{instead}") from None


def _to_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _to_boolean(value: Any) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]


def _to_integer(value: Any) -> int:
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise TypeError
    return int(value)


def _to_number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise TypeError
    return number


def _to_list(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    if not isinstance(value, list | tuple):
        raise TypeError
    return tuple(map(_to_text, value))


class _Type(NamedTuple):
    name: str
    convert: Callable[[Any], Any]


_TYPES: dict[Any, _Type] = {
    str: _Type("text", _to_text),
    bool: _Type("true or false", _to_boolean),
    int: _Type("a whole number", _to_integer),
    float: _Type("a number", _to_number),
    tuple[str, ...]: _Type("a list of text", _to_list),
}
