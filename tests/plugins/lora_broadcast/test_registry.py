"""What is remembered of large campaigns is bounded by their devices."""

import pytest
from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from plugins.lora_broadcast import registry
from plugins.lora_broadcast.directory import Directory
from plugins.lora_broadcast.network_server import DeviceFacts, MemberFacts, Membership
from plugins.lora_broadcast.registry import Registry

DEVICES = [f"{number:016x}" for number in range(3)]


def test_the_targets_of_the_oldest_campaign_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_TARGETS", 5)
    directory = Directory("")
    for number, device in enumerate(DEVICES):
        directory.learn(DeviceFacts(device, number, "C", "EU868", 5, ("gateway1",), "", 3600))
        directory.learn(MemberFacts("city", device, Membership.JOINED))
    known = Registry("lora", directory, TinyDB(storage=MemoryStorage))
    known.target("old", "city", DEVICES)
    assert known.bystanders("old", "city") == ()
    known.target("new", "city", DEVICES[:2])
    assert (known.bystanders("old", "city"), known.bystanders("new", "city")) == ((), (2,))
    known.target("newest", "city", DEVICES[:1])
    assert known.bystanders("old", "city") == (0, 1, 2)
    assert known.bystanders("new", "city") == (2,)
