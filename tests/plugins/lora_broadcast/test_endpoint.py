import pytest

from plugins.lora_broadcast.endpoint import parse_endpoint


@pytest.mark.parametrize(("text", "endpoint"), [("127.0.0.1:1680", ("127.0.0.1", 1680)), ("[::1]:0", ("::1", 0))])
def test_addresses_with_a_port(text: str, endpoint: tuple[str, int]) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize("text", ["", "127.0.0.1", "localhost:1680", "127.0.0.1:65536", "127.0.0.1:-1", ":1"])
def test_anything_else_is_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the callers name the setting
        parse_endpoint(text)
