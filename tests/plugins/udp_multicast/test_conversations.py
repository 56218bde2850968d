import pytest

from plugins.udp_multicast import conversations as module
from plugins.udp_multicast.conversations import Conversation, Conversations


def opened(conversations: Conversations, request: str, deadline: float, now: float) -> Conversation:
    return conversations.open(request, deadline, now, lambda: 7)


def test_a_request_keeps_its_token_and_message_id() -> None:
    conversations = Conversations()
    first = opened(conversations, "r-1", deadline=10.0, now=0.0)
    assert len(first.token) == 8
    assert opened(conversations, "r-1", deadline=20.0, now=5.0) is first
    assert (first.deadline, first.message_id) == (20.0, 7)
    assert conversations.request_identifier(first.token) == "r-1"
    assert conversations.request_identifier(b"other") == ""
    assert opened(conversations, "r-2", 10.0, 0.0).token != first.token


def test_finished_requests_are_forgotten_when_a_new_one_comes() -> None:
    conversations = Conversations()
    token = opened(conversations, "r-1", deadline=10.0, now=0.0).token
    opened(conversations, "r-2", deadline=30.0, now=10.0)
    assert conversations.request_identifier(token) == "r-1"
    opened(conversations, "r-3", deadline=30.0, now=11.0)
    assert conversations.request_identifier(token) == ""


def test_the_oldest_is_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONVERSATIONS", 2)
    conversations = Conversations()
    tokens = [opened(conversations, f"r-{number}", deadline=10.0, now=0.0).token for number in range(3)]
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
