"""Random texts for identifiers."""

import os

from cse.randomness import DIGITS, DRAWN, token


def test_no_text_comes_twice() -> None:
    texts = [token() for _ in range(3 * DRAWN)]
    assert len(set(texts)) == len(texts)
    assert {len(text) for text in texts} == {DIGITS}
    assert set("".join(texts)) <= set("0123456789abcdef")


def test_processes_share_none() -> None:
    token()
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, token().encode())
        os._exit(0)
    os.waitpid(child, 0)
    of_the_child = os.read(reading, DIGITS).decode()
    os.close(reading)
    os.close(writing)
    assert len(of_the_child) == DIGITS
    assert of_the_child not in {token() for _ in range(2 * DRAWN)}
