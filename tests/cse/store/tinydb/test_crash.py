"""Everything stops between two system calls: what was acknowledged is there, and nothing is there by halves."""

from pathlib import Path

import pytest

from cse.store.tinydb import compaction, snapshot
from cse.store.tinydb.lines import Change
from cse.store.tinydb.storage import JournalStorage
from tests.cse.store.tinydb.recorder import Image, recording
from tests.cse.store.tinydb.samples import after, content, journals, leave_behind, opened, step

STEPS = 12


async def images_of_steps(file: Path) -> list[tuple[int, Image]]:
    file.parent.mkdir()
    with recording(file.parent) as recorder:
        async with opened(file) as store:
            for number in range(STEPS):
                await store.run(step(number))
                recorder.acknowledged = number + 1
    return recorder.images


async def check_images(images: list[tuple[int, Image]], file: Path, folder: Path) -> set[int]:
    """How many steps were found."""
    found = set()
    for number, (acknowledged, image) in enumerate(images):
        place = folder / str(number) / file.name
        place.parent.mkdir(parents=True)
        for name, data in image.items():
            place.with_name(name).write_bytes(data)
        there = await content(place)
        assert there in (after(acknowledged), after(acknowledged + 1)), (number, acknowledged, sorted(image))
        found.add(acknowledged)
    return found


@pytest.mark.parametrize("minimum", [0, compaction.MINIMUM], ids=["compacting", "not compacting"])
async def test_between_any_two_system_calls(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minimum: int
) -> None:
    monkeypatch.setattr(compaction, "MINIMUM", minimum)
    monkeypatch.setattr(snapshot, "PIECE", 2)
    images = await images_of_steps(file)
    snapshots = {image.get(file.name) for _, image in images}
    assert len(snapshots) > (4 if minimum == 0 else 1)
    assert await check_images(images, file, tmp_path / "images") == set(range(STEPS + 1))


async def test_a_torn_commit_of_any_length_was_never_acknowledged(file: Path) -> None:
    await leave_behind(file, 3)
    (journal,) = journals(file)
    complete = journal.read_bytes()
    start = complete.rindex(b"\n", 0, -1) + 1
    for length in range(start, len(complete)):
        journal.write_bytes(complete[:length])
        storage = JournalStorage(file)
        assert storage.open().commit == 2
        assert journal.read_bytes() == complete[:start]
        storage.append([Change("resource", 99, b"{}")])
        storage.close()
        assert JournalStorage(file).load().tables["resource"][99] == b"{}"
    journal.write_bytes(complete[:-1])
    assert await content(file) == after(2)
