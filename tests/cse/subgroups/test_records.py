"""What is remembered of groups at other CSEs."""

from dataclasses import replace

from tinydb import TinyDB
from tinydb.storages import MemoryStorage

from cse.subgroups.records import Records, SubGroup, digest_of

ONE = SubGroup("grp1", "/id-mn", "/id-mn/g", "/id-mn/p", "d")


def test_one_for_each_group_and_cse() -> None:
    records = Records(TinyDB(storage=MemoryStorage))
    others = [replace(ONE, cse="/id-far"), replace(ONE, group="grp2")]
    for each in (ONE, *others, replace(ONE, digest="e")):
        records.put(each)
    assert records.of("grp1") == {"/id-mn": replace(ONE, digest="e"), "/id-far": others[0]}
    assert len(records.all()) == 3
    records.remove(ONE)
    assert records.of("grp1") == {"/id-far": others[0]}


def test_a_digest_is_that_of_the_same_members_only() -> None:
    assert digest_of(["a", "b"]) == digest_of(["a", "b"])
    assert len({digest_of(each) for each in ([], ["a"], ["a", "b"], ["b", "a"], ["ab"])}) == 5
