"""Store URLs."""

from pathlib import Path

import pytest

from cse.config import ConfigurationError
from cse.store.opening import open_store, without_password
from cse.store.sqlite.engine import MemoryStore
from tests.cse.store.samples import inserting, paths

REFUSED = ["", "sqlite:", "sqlite:///", "sqlite://cse.sqlite", "tinydb:///", "mysql://host/cse", "memory", ":///a"]


@pytest.mark.parametrize("url", REFUSED)
def test_other_urls_are_refused(url: str) -> None:
    message = r"store in \[server\] must be sqlite:///PATH, tinydb:///PATH, memory: or postgresql://"
    with pytest.raises(ConfigurationError, match=message):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////a/b.sqlite", "sqlite:////a/b.sqlite"),
        ("postgresql://cse:secret@db.example:5432/cse?sslmode=require", "postgresql://cse@db.example:5432/cse"),
        ("postgres://cse:se@cret@one,two/cse?password=secret", "postgres://cse@one,two/cse"),
        ("postgresql:///cse?user=cse&password=secret", "postgresql:///cse"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_memory() -> None:
    assert isinstance(open_store("memory:"), MemoryStore)


async def test_a_relative_path_is_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///some/folder/cse.sqlite")
    await store.open()
    await store.run(inserting("cse/1"))
    await store.close()
    again = open_store(f"sqlite:///{tmp_path}/some/folder/cse.sqlite")
    await again.open()
    assert await again.read(paths) == ["cse/1"]
    await again.close()
