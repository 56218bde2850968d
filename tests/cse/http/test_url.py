import pytest

from cse.http.url import Origin, destination


@pytest.mark.parametrize(
    ("url", "origin", "target", "host"),
    [
        ("http://a.example", Origin("a.example", 80, False), "/", "a.example"),
        ("https://a.example/", Origin("a.example", 443, True), "/", "a.example"),
        ("HTTP://A.Example:80/B", Origin("a.example", 80, False), "/B", "a.example"),
        ("https://a.example:80/b?c=d&e", Origin("a.example", 80, True), "/b?c=d&e", "a.example:80"),
        ("http://a.example?c", Origin("a.example", 80, False), "/?c", "a.example"),
        ("http://[::1]:8080/~/id-mn/-", Origin("::1", 8080, False), "/~/id-mn/-", "[::1]:8080"),
        ("http://a.example/b#c", Origin("a.example", 80, False), "/b", "a.example"),
        ("http://a.example/b c\r\n%20ü", Origin("a.example", 80, False), "/b%20c%0D%0A%20%C3%BC", "a.example"),
        ("http://zähler.example/", Origin("xn--zhler-gra.example", 80, False), "/", "xn--zhler-gra.example"),
        ("http://me:pw@a.example/b", Origin("a.example", 80, False), "/b", "a.example"),
    ],
)
def test_where_a_url_leads(url: str, origin: Origin, target: str, host: str) -> None:
    assert destination(url)[:3] == (origin, target, host)


def test_a_user_without_a_password() -> None:
    assert destination("http://me@a.example/").proof == "Basic bWU6"


@pytest.mark.parametrize(
    "url", ["", "a.example", "coap://a.example", "http:a", "http://", "http://:80/", "http://a:0/", "http://a:b/"]
)
def test_what_leads_nowhere(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|server|[Pp]ort"):
        destination(url)
