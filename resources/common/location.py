"""location: where a thing is, as GeoJSON coordinates (m2m:geoCoordinates)."""

from collections.abc import Callable
from typing import Any

import orjson

from cse.attributes import NUMBER, Attribute, DataType, O, one_of

SHORTEST_LINE, SHORTEST_RING = 2, 4
Shape = Callable[[Any], bool]


def _position(value: Any) -> bool:
    """Longitude, latitude and perhaps the height."""
    return isinstance(value, list) and len(value) in (2, 3) and all(map(NUMBER.accepts, value))


def _many(shape: Shape, fewest: int = 1) -> Shape:
    return lambda value: isinstance(value, list) and len(value) >= fewest and all(map(shape, value))


def _ring(value: Any) -> bool:
    return _many(_position, SHORTEST_RING)(value) and bool(value[0] == value[-1])


_line = _many(_position, SHORTEST_LINE)
_polygon = _many(_ring)
# By m2m:geometryType: point, line, polygon, and several of each.
_SHAPES = {1: _position, 2: _line, 3: _polygon, 4: _many(_position), 5: _many(_line), 6: _many(_polygon)}
_TYPE = one_of(*_SHAPES)


def _accepts(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"typ", "crd"} or not _TYPE.accepts(value["typ"]):
        return False
    try:
        return isinstance(value["crd"], str) and _SHAPES[value["typ"]](orjson.loads(value["crd"]))
    except orjson.JSONDecodeError:
        return False


GEO_COORDINATES = DataType('typ 1..6 and coordinates as a text that fit, {"typ": 1, "crd": "[8.5, 47.4]"}', _accepts)
LOCATION = Attribute("loc", "location", GEO_COORDINATES, O, O, since="4")
