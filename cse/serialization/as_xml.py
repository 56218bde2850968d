"""XML (TS-0004 clause 8.2), where the extra `xml` is installed: elements by name, text read by the declared types.

A list of texts or numbers is one element with blanks between the items, a list of objects an element for each;
resourceName is an attribute of the root. An empty element is an empty text, where that is a value, or null.
"""

import importlib.util
import re
from collections.abc import Mapping
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from cse.attributes import BOOLEAN, INTEGER, TEXT, DataType, Table, list_of, meant, record
from cse.errors import BadRequest
from cse.primitive import Content
from cse.serialization import as_json
from cse.serialization.limits import Limits

AVAILABLE = importlib.util.find_spec("xmltodict") is not None
if AVAILABLE:
    import xmltodict

NAMESPACE = "http://www.onem2m.org/xml/protocols"
NAME = re.compile(r"(?!xml)[A-Za-z_][\w.-]*(:[A-Za-z_][\w.-]*)?", re.ASCII | re.IGNORECASE)
NO_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NEVER_AN_ATTRIBUTE = re.compile(r"xmlns(:|$)|xsi:")

# What requests carry that is no resource.
EVENT = record(net_=INTEGER, om_=record(op_=INTEGER, or_=TEXT))
PRIMITIVES: Mapping[str, DataType] = {
    "m2m:sgn": record(nev_=EVENT, vrq_=BOOLEAN, sud_=BOOLEAN),
    "m2m:rsp": record(rsc_=INTEGER, cnst_=INTEGER, cnot_=INTEGER),
    "m2m:rqp": record(op_=INTEGER, ty_=INTEGER, rcn_=INTEGER),
    "m2m:atrl": list_of(TEXT),
}


class Types:
    """What an element's text means: by the tables of the resource types, named by their roots."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        resources = {
            root: record(**{f"{name}_": row.type for name, row in table.items()}) for root, table in tables.items()
        }
        self.by_root: Mapping[str, DataType] = {**PRIMITIVES, **resources}

    def write(self, content: Content) -> bytes:
        """Content below its root as a document."""
        root, value = _rooted(content)
        element = _element(value)
        members = element if isinstance(element, dict) else {"#text": element or ""}
        return xmltodict.unparse({root: {**_namespaces(root, value), **members}}).encode()

    def read(self, data: bytes, limits: Limits) -> Content:
        """The content that a document stands for; BadRequest for one that is malformed, or declares entities."""
        try:
            _check(data, limits)
            document = xmltodict.parse(data, attr_prefix="", cdata_key="val")
        except (ExpatError, ValueError, LookupError) as error:
            raise BadRequest(f"the body is not valid XML: {error}") from error
        ((root, value),) = document.items()
        name = root if ":" in root else f"m2m:{root}"
        return {name: self._value(self.by_root.get(name, TEXT), value)}

    def _value(self, kind: DataType, value: Any) -> Any:
        if isinstance(value, dict):
            value = {name: item for name, item in value.items() if not NEVER_AN_ATTRIBUTE.match(name)}
            if not kind.members and set(value) <= {"val"}:  # a text beside declarations of namespaces
                value = value.get("val")
        if kind.item is not None:
            return [self._value(kind.item, item) for item in _items(value)]
        if isinstance(value, dict):
            return {name: self._member(kind, name, item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._value(kind, item) for item in value]
        if value is None:
            return "" if kind.accepts("") else None
        return meant(kind, value)

    def _member(self, kind: DataType, name: str, value: Any) -> Any:
        return self._value(kind.members.get(name) or self.by_root.get(name, TEXT), value)


def _check(data: bytes, limits: Limits) -> None:
    """BadRequest as soon as there are too many elements, or too many in each other: each costs memory."""
    levels = count = 0

    def start(*_: Any) -> None:
        nonlocal levels, count
        levels += 1
        count += 1
        if levels > limits.nesting:
            raise BadRequest(limits.too_deep)
        if count > limits.values:
            raise BadRequest(limits.too_many)

    def end(_: str) -> None:
        nonlocal levels
        levels -= 1

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(data, True)


def _items(value: Any) -> list[Any]:
    """The items of a list: elements with one name, or words."""
    if isinstance(value, list):
        return value
    return value.split() if isinstance(value, str) else [] if value is None else [value]


def _rooted(content: Content) -> tuple[str, Any]:
    """The root and what is below it; content that has no root gets that of primitive content."""
    if isinstance(content, dict) and len(content) == 1 and all(map(NAME.fullmatch, content)):
        ((root, value),) = content.items()
        return root, value
    return "m2m:pc", content


def _element(value: Any) -> Any:
    """What `xmltodict` writes as the content of an element; resourceName is an attribute of it."""
    if isinstance(value, dict) and all(map(NAME.fullmatch, value)):
        names = {name: "@rn" if name == "rn" and isinstance(item, str) else name for name, item in value.items()}
        return {names[name]: _element(item) for name, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [_element(item) for item in value]
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return " ".join(_text(item) for item in value)
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    """A scalar as text; as JSON what XML has no form for, such as objects whose members have no names of XML."""
    text = value if isinstance(value, str) else as_json.write(value).decode()
    return NO_CHARACTER.sub("\ufffd", text)


def _namespaces(root: str, value: Any) -> dict[str, str]:
    """Declarations of all prefixes: that of oneM2M, and those of its domains."""
    prefixes = {name.partition(":")[0] for name in (root, *_names(value)) if ":" in name} - {"m2m"}
    domains = {f"@xmlns:{prefix}": f"{NAMESPACE}/{prefix}" for prefix in sorted(prefixes)}
    return {"@xmlns:m2m": NAMESPACE, **domains}


def _names(value: Any) -> list[str]:
    """The names of all members that are written as elements."""
    if isinstance(value, list):
        return [name for item in value for name in _names(item)]
    if not isinstance(value, dict) or not all(map(NAME.fullmatch, value)):
        return []
    return [*value, *(name for item in value.values() for name in _names(item))]
