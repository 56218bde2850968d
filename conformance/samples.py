"""Resources of many types, for tests of what holds for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from conformance.application import Application, new_name, rule
from conformance.client import Answer, Attributes, Client
from conformance.purposes import case
from conformance.standard import ACP, ALL, CNT, FCNT, GRP, MGMTOBJ, NOD, SCH, SUB, TS

Parent = Literal["base", "ae", "container", "node"]
Purposes = str | tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """A type below a parent, with an attribute that can be changed and a value that it can't have."""

    name: str
    parent: Parent
    ty: int
    attributes: Attributes
    change: Attributes
    bad: Attributes
    root: str | None = None
    more: bool = False  # one that most tests leave out, because others are like it

    def __str__(self) -> str:
        return f"{self.name} below {self.parent}"


def management(name: str, short: str, mgd: int, attributes: Attributes, change: Attributes) -> Sample:
    """A management object."""
    (attribute,) = change
    wanted, bad = {"mgd": mgd} | attributes, {attribute: [7]}
    return Sample(name, "node", MGMTOBJ, wanted, change, bad, f"m2m:{short}", more=short not in ("fwr", "bat"))


POLICY = {"pv": {"acr": [rule(ALL, "all")]}, "pvs": {"acr": [rule(ALL, "all")]}}
NODE = {"ni": "urn:conformance:node"}
ALWAYS = {"se": {"sce": ["* * * * * * *"]}}
SWITCH = {"cnd": "org.onem2m.common.moduleclass.binarySwitch", "state": True}
OTHER_RULES = {"pv": {"acr": [rule(ALL, "Cone", "Ctwo")]}}

SAMPLES = [
    *(Sample("container", parent, CNT, {}, {"mni": 7}, {"mni": "many"}) for parent in ("base", "ae", "container")),
    *(Sample("policy", parent, ACP, POLICY, OTHER_RULES, {"pv": {"acr": 7}}) for parent in ("base", "ae")),
    *(Sample("group", parent, GRP, {"mnm": 3, "mid": []}, {"mnm": 5}, {"mnm": 0}) for parent in ("base", "ae")),
    *(Sample("subscription", parent, SUB, {"nu": []}, {"exc": 9}, {"exc": "often"}) for parent in ("ae", "container")),
    # Below the CSEBase, a schedule says when the CSE may be used at all.
    Sample("schedule", "node", SCH, ALWAYS, {"se": {"sce": ["0-59 * * * * * *"]}}, {"se": {"sce": ["x"]}}),
    Sample("node", "base", NOD, NODE, {"ni": "urn:conformance:other"}, {"ni": 7}),
    *(
        Sample("time series", parent, TS, {}, {"mni": 7}, {"mni": "many"}, more=parent != "ae")
        for parent in ("base", "ae", "container")
    ),
    *(
        Sample("switch", parent, FCNT, SWITCH, {"state": False}, {"state": "off"}, "cod:binSh", parent != "ae")
        for parent in ("base", "ae", "container")
    ),
    management("firmware", "fwr", 1001, {"vr": "1", "fwn": "x", "url": "http://x.example", "ud": False}, {"vr": "2"}),
    management("software", "swr", 1002, {"vr": "1", "swn": "x", "url": "http://x.example"}, {"vr": "2"}),
    management("memory", "mem", 1003, {"mma": 1, "mmt": 2}, {"mma": 2}),
    management("battery", "bat", 1006, {"btl": 50, "bts": 1}, {"btl": 40}),
    management("device", "dvi", 1007, {"dlb": "a:b", "man": "x", "mod": "y", "dty": "z"}, {"dlb": "c:d"}),
    management("reboot", "rbo", 1009, {}, {"dc": "new"}),
    management("log", "evl", 1010, {"lgt": 1, "lgd": "x", "lgst": 1}, {"lgd": "y"}),
]


def typical(sample: Sample) -> bool:
    return not sample.more


def below_entity(sample: Sample) -> bool:
    return typical(sample) and sample.parent in ("ae", "container")


def hidden(sample: Sample) -> bool:
    """Those that nobody but their creator may see: the policy of the sample permits everything to all."""
    return typical(sample) and sample.ty != ACP


def samples(ae: Purposes, base: Purposes | None = None, *, where: Callable[[Sample], bool] = typical) -> list[Any]:
    """Samples as parameters, with one purpose below AEs and containers, and maybe another below the CSEBase."""
    return [case((base or ae) if sample.parent == "base" else ae, sample) for sample in SAMPLES if where(sample)]


class Workshop:
    """Makes samples below the parent that they want; what is below the CSEBase or a node is the administrator's."""

    def __init__(self, ae: Application, admin: Client) -> None:
        self._ae, self._admin = ae, admin

    def place(self, sample: Sample) -> tuple[Client, str]:
        """Who makes the sample, and below what."""
        base = self._ae.cse.name
        if sample.parent == "base":
            return self._admin, base
        if sample.parent == "node":
            made = self._admin.create(base, NOD, NODE | {"rn": new_name()}).resource(2001)
            self._ae.remove(f"{base}/{made['rn']}")
            return self._admin, f"{base}/{made['rn']}"
        return self._ae, self._ae.container() if sample.parent == "container" else self._ae.path

    def create(self, sample: Sample, who: Client, parent: str, /, **attributes: Any) -> Answer:
        """Try to create a sample with further attributes."""
        needed = {"nu": [self._ae.identifier]} if sample.ty == SUB else {}
        wanted = sample.attributes | needed | attributes
        answer = who.create(parent, sample.ty, wanted, root=sample.root)
        if answer.rsc == 2001:
            self._ae.remove(self._ae.cse.relative(answer.resource(2001)["ri"]))
        return answer

    def make(self, sample: Sample, **attributes: Any) -> tuple[Client, str]:
        """Who made it, and its path."""
        who, parent = self.place(sample)
        made = self.create(sample, who, parent, **({"rn": new_name()} | attributes)).resource(2001)
        return who, f"{parent}/{made['rn']}"
