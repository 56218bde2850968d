import pytest

from plugins.udp_multicast import conversations as module
from plugins.udp_multicast.conversations import Conversations


def test_a_request_keeps_its_token() -> None:
    conversations = Conversations()
    first = conversations.open("r-1", deadline=10.0, now=0.0)
    assert len(first.token) == 8
    assert conversations.open("r-1", deadline=20.0, now=5.0) is first
    assert first.deadline == 20.0
    assert conversations.request_identifier(first.token) == "r-1"
    assert conversations.request_identifier(b"other") == ""
    assert conversations.open("r-2", 10.0, 0.0).token != first.token


def test_a_datagram_is_made_once_per_address() -> None:
    conversation = Conversations().open("r-1", 10.0, 0.0)
    made = [
        conversation.datagram(address, lambda token, n=number: token + bytes((n,)))
        for number, address in enumerate("aba")
    ]
    assert made[0] == made[2] == conversation.token + b"\0"
    assert made[1] == conversation.token + b"\1"


def test_finished_requests_are_forgotten_when_a_new_one_comes() -> None:
    conversations = Conversations()
    token = conversations.open("r-1", deadline=10.0, now=0.0).token
    conversations.open("r-2", deadline=30.0, now=10.0)
    assert conversations.request_identifier(token) == "r-1"
    conversations.open("r-3", deadline=30.0, now=11.0)
    assert conversations.request_identifier(token) == ""


def test_the_oldest_is_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONVERSATIONS", 2)
    conversations = Conversations()
    tokens = [conversations.open(f"r-{number}", deadline=10.0, now=0.0).token for number in range(3)]
    assert [conversations.request_identifier(token) for token in tokens] == ["", "r-1", "r-2"]


def test_where_devices_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ADDRESSES", 2)
    conversations = Conversations()
    for device in ("Ca", "Cb"):
        conversations.learn(device, "127.0.0.1")
    assert conversations.lives_at("Ca", "127.0.0.1")
    assert not conversations.lives_at("Ca", "127.0.0.2")
    assert conversations.lives_at("Cunknown", "127.0.0.2")
    conversations.learn("Cc", "127.0.0.1")
    assert conversations.lives_at("Ca", "127.0.0.2")
    assert not conversations.lives_at("Cb", "127.0.0.2")
