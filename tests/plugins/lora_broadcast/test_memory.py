from pathlib import Path

from tinydb import TinyDB

from plugins.lora_broadcast.memory import REMEMBERED_CAMPAIGNS, Campaigns, Mapping


def test_a_request_keeps_its_number_over_restarts_and_a_new_one_gets_a_higher(tmp_path: Path) -> None:
    with TinyDB(tmp_path / "a.json") as documents:
        campaigns = Campaigns(documents)
        assert campaigns.peek("r1") == 1
        assert campaigns.identifier(1) is None
        assert campaigns.number("r1") == 1
        assert campaigns.number("r2") == 2
    with TinyDB(tmp_path / "a.json") as documents:
        campaigns = Campaigns(documents)
        assert (campaigns.number("r1"), campaigns.number("r2"), campaigns.peek("r3")) == (1, 2, 3)
        assert campaigns.identifier(2) == "r2"


def test_old_campaigns_are_forgotten_and_numbers_never_reused(tmp_path: Path) -> None:
    with TinyDB(tmp_path / "a.json") as documents:
        documents.table("campaigns").insert_multiple(
            {"request_identifier": f"r{number}"} for number in range(1, REMEMBERED_CAMPAIGNS + 1)
        )
        campaigns = Campaigns(documents)
        assert campaigns.number("new") == REMEMBERED_CAMPAIGNS + 1
        assert campaigns.identifier(1) is None
        assert campaigns.identifier(REMEMBERED_CAMPAIGNS) == f"r{REMEMBERED_CAMPAIGNS}"
        assert campaigns.peek("r1") == REMEMBERED_CAMPAIGNS + 2


def test_a_mapping_is_written_when_it_is_saved(tmp_path: Path) -> None:
    with TinyDB(tmp_path / "a.json") as documents:
        mapping = Mapping(documents, "owners")
        mapping.put("a", "Ca")
        mapping.put("b", "Cb")
        assert Mapping(documents, "owners").values == {}
        mapping.save()
        mapping.put("a", None)
        mapping.save()
    with TinyDB(tmp_path / "a.json") as documents:
        assert Mapping(documents, "owners").values == {"b": "Cb"}


def test_nothing_is_written_when_nothing_has_changed(tmp_path: Path) -> None:
    with TinyDB(tmp_path / "a.json") as documents:
        mapping = Mapping(documents, "owners")
        mapping.put("a", "Ca")
        mapping.save()
        (tmp_path / "a.json").write_text("{}")
        mapping.put("a", "Ca")
        mapping.save()
        assert (tmp_path / "a.json").read_text() == "{}"
