"""Attributes that do not fit: refused by a sentence that names them, and nothing is changed."""

from typing import Any

import pytest

from tests.servers import Running

AE = {"api": "N.x", "rr": True, "srv": ["3"]}
RULES = {"acr": [{"acor": ["all"], "acop": 63}]}
GROUP = {"mnm": 5, "mid": ["Capp"]}

BAD_CREATES: list[tuple[str, int, Any, str]] = [
    ("/cse-in", 2, {"m2m:ae": {"rr": True, "srv": ["3"]}}, "api"),
    ("/cse-in", 2, {"m2m:ae": {"api": "N.x", "srv": ["3"]}}, "rr"),
    ("/cse-in", 2, {"m2m:ae": {"api": "N.x", "rr": True}}, "srv"),
    ("/cse-in", 2, {"m2m:ae": AE | {"api": "example"}}, "api"),
    ("/cse-in", 2, {"m2m:ae": AE | {"api": ""}}, "api"),
    ("/cse-in", 2, {"m2m:ae": AE | {"rr": "true"}}, "rr"),
    ("/cse-in", 2, {"m2m:ae": AE | {"rr": 1}}, "rr"),
    ("/cse-in", 2, {"m2m:ae": AE | {"poa": "http://127.0.0.1"}}, "poa"),
    ("/cse-in", 2, {"m2m:ae": AE | {"aei": "Cother"}}, "aei"),
    ("/cse-in", 2, {"m2m:ae": AE | {"ri": "Cother"}}, "ri"),
    ("/cse-in", 2, {"m2m:ae": AE | {"lbl": "a"}}, "lbl"),
    ("/cse-in", 2, {"m2m:ae": AE | {"lbl": []}}, "lbl"),
    ("/cse-in", 2, {"m2m:ae": AE | {"lbl": [None]}}, "lbl"),
    ("/cse-in", 2, {"m2m:ae": AE | {"lbl": None}}, "lbl"),
    ("/cse-in", 2, {"m2m:ae": AE | {"_private": 1}}, "_private"),
    ("/cse-in/app", 3, {"m2m:cnt": {"nonsense": 1}}, "nonsense"),
    ("/cse-in/app", 3, {"m2m:cnt": {"mni": -1}}, "mni"),
    ("/cse-in/app", 3, {"m2m:cnt": {"mni": True}}, "mni"),
    ("/cse-in/app", 3, {"m2m:cnt": {"mni": 1.5}}, "mni"),
    ("/cse-in/app", 3, {"m2m:cnt": {"mni": 10**30}}, "mni"),
    ("/cse-in/app", 3, {"m2m:cnt": {"cni": 0}}, "cni"),
    ("/cse-in/app", 3, {"m2m:cnt": {"st": 0}}, "st"),
    ("/cse-in/app", 3, {"m2m:cnt": {"cr": "Cother"}}, "cr"),
    ("/cse-in/app", 3, {"m2m:cnt": {"et": "tomorrow"}}, "et"),
    ("/cse-in/app", 3, {"m2m:cnt": {"et": "20260230T000000"}}, "et"),
    ("/cse-in/app", 3, {"m2m:cnt": {"et": 20991231}}, "et"),
    ("/cse-in/app", 3, {"m2m:cnt": {"acpi": []}}, "acpi"),
    ("/cse-in/app", 3, {"m2m:cnt": {"acpi": [1]}}, "acpi"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": ""}}, "rn"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": "a b"}}, "rn"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": "a/b"}}, "rn"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": "ä"}}, "rn"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": "a\u0000"}}, "rn"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": "a\n"}}, "rn"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": "a" * 257}}, "rn"),
    ("/cse-in/app", 3, {"m2m:cnt": {"rn": ["a"]}}, "rn"),
    ("/cse-in/app/box", 4, {"m2m:cin": {}}, "con"),
    ("/cse-in/app/box", 4, {"m2m:cin": {"con": None}}, "con"),
    ("/cse-in/app/box", 4, {"m2m:cin": {"con": "1", "cnf": "text"}}, "cnf"),
    ("/cse-in/app/box", 4, {"m2m:cin": {"con": "1", "cs": 1}}, "cs"),
    ("/cse-in/app", 1, {"m2m:acp": {"pv": RULES, "pvs": {}}}, "pvs"),
    ("/cse-in/app", 1, {"m2m:acp": {"pv": RULES, "pvs": {"acr": []}}}, "pvs"),
    ("/cse-in/app", 1, {"m2m:acp": {"pv": RULES, "pvs": {"acr": [{"acor": ["all"], "acop": 64}]}}}, "pvs"),
    ("/cse-in/app", 1, {"m2m:acp": {"pv": RULES, "pvs": {"acr": [{"acor": "all", "acop": 1}]}}}, "pvs"),
    ("/cse-in/app", 1, {"m2m:acp": {"pv": {"acr": {}}, "pvs": RULES}}, "pv"),
    ("/cse-in/app", 9, {"m2m:grp": {"mid": ["Capp"]}}, "mnm"),
    ("/cse-in/app", 9, {"m2m:grp": {"mnm": 0, "mid": ["Capp"]}}, "mnm"),
    ("/cse-in/app", 9, {"m2m:grp": {"mnm": 5}}, "mid"),
    ("/cse-in/app", 9, {"m2m:grp": {"mnm": 5, "mid": [None]}}, "mid"),
    ("/cse-in/app", 9, {"m2m:grp": {"mnm": 5, "mid": [["Capp"]]}}, "mid"),
    ("/cse-in/app", 9, {"m2m:grp": {"mnm": 5, "mid": "Capp"}}, "mid"),
    ("/cse-in/app", 9, {"m2m:grp": {"mnm": 5, "mid": [""]}}, "mid"),
    ("/cse-in/app", 9, {"m2m:grp": {"mnm": 5, "mid": ["a b"]}}, "a b"),
    ("/cse-in/app", 9, {"m2m:grp": GROUP | {"csy": 4}}, "csy"),
    ("/cse-in/app", 9, {"m2m:grp": GROUP | {"mtv": True}}, "mtv"),
    ("/cse-in/app/box", 23, {"m2m:sub": {}}, "nu"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": []}}, "nu"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": [None]}}, "nu"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "enc": {"net": [9]}}}, "enc"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "enc": {"net": 1}}}, "enc"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "enc": {"nonsense": 1}}}, "enc"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "nct": 4}}, "nct"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "nct": 2, "enc": {"net": [3]}}}, "nct"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "exc": 0}}, "exc"),
    ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "enc": {"net": [3], "chty": [777]}}}, "chty"),
    ("/cse-in/app", 3, {"m2m:cin": {"con": "1"}}, "m2m:cnt"),
    ("/cse-in/app", 3, {"m2m:cnt": []}, "m2m:cnt"),
    ("/cse-in/app", 3, {"m2m:cnt": {}, "m2m:ae": {}}, "m2m:cnt"),
    ("/cse-in/app", 3, {}, "m2m:cnt"),
    ("/cse-in/app", 3, [], "m2m:cnt"),
    ("/cse-in/app", 3, 1, "m2m:cnt"),
]


@pytest.mark.parametrize(("path", "ty", "content", "name"), BAD_CREATES)
async def test_a_bad_create_is_refused_by_a_sentence_that_names_the_attribute(
    home: Running, path: str, ty: int, content: Any, name: str
) -> None:
    originator = "Cnew" if ty == 2 else "Capp"
    answer = await home.refuses("POST", path, 4000, originator=originator, ty=ty, content=content)
    assert name in answer.debug


@pytest.mark.parametrize(
    ("path", "content", "name"),
    [
        ("/cse-in/app", {"m2m:ae": {}}, "attribute"),
        ("/cse-in/app", {"m2m:cnt": {"lbl": ["a"]}}, "m2m:ae"),
        ("/cse-in/app", None, "content"),
        ("/cse-in/app", {"m2m:ae": {"api": "N.y"}}, "api"),
        ("/cse-in/app", {"m2m:ae": {"rn": "other"}}, "rn"),
        ("/cse-in/app", {"m2m:ae": {"rr": None}}, "rr"),
        ("/cse-in/app", {"m2m:ae": {"et": "20200101T000000"}}, "et"),
        ("/cse-in/app", {"m2m:ae": {"acpi": ["Crules"], "lbl": ["a"]}}, "acpi"),
        ("/cse-in/app/box", {"m2m:cnt": {"cr": None}}, "cr"),
        ("/cse-in/app/box", {"m2m:cnt": {"st": 7}}, "st"),
        ("/cse-in/app/rules", {"m2m:acp": {"pvs": {}}}, "pvs"),
        ("/cse-in/app/rules", {"m2m:acp": {"pv": None}}, "pv"),
        ("/cse-in/app/meters", {"m2m:grp": {"mid": [None]}}, "mid"),
        ("/cse-in/app/meters", {"m2m:grp": {"mid": None}}, "mid"),
        ("/cse-in/app/meters", {"m2m:grp": {"mt": 2}}, "mt"),
        ("/cse-in/app/box/news", {"m2m:sub": {"nu": None}}, "nu"),
        ("/cse-in/app/box/news", {"m2m:sub": {"su": "Capp"}}, "su"),
        ("/cse-in/app/box/news", {"m2m:sub": {"nct": 2, "enc": {"net": [4]}}}, "nct"),
    ],
)
async def test_a_bad_update_is_refused_by_a_sentence_that_names_the_attribute(
    home: Running, path: str, content: Any, name: str
) -> None:
    answer = await home.refuses("PUT", path, 4000, originator="Capp", content=content)
    assert name in answer.debug


@pytest.mark.parametrize(
    ("path", "ty", "content"),
    [
        ("/cse-in/app", 2, {"m2m:ae": AE | {"at": ["/other"]}}),
        ("/cse-in/app", 3, {"m2m:cnt": {"daci": ["x"]}}),
        ("/cse-in/app", 1, {"m2m:acp": {"pv": RULES, "pvs": RULES, "adri": ["/id-in/decisions"]}}),
        ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "ma": "PT1M"}}),
        ("/cse-in/app/box", 23, {"m2m:sub": {"nu": ["Capp"], "enc": {"net": [6]}, "nct": 4}}),
    ],
)
async def test_what_needs_a_feature_that_is_not_there_is_not_implemented(
    home: Running, path: str, ty: int, content: Any
) -> None:
    originator, path = ("Cnew", "/cse-in") if ty == 2 else ("Capp", path)
    await home.refuses("POST", path, 5001, originator=originator, ty=ty, content=content)
