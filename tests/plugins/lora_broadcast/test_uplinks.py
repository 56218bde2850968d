import logging

import cbor2
import pytest

from cse.network import Discard
from cse.primitive import Operation
from cse.testing.clock import settle
from plugins.lora_broadcast.network_server import Uplink
from plugins.lora_broadcast.radio.simulation import dev_eui
from plugins.lora_broadcast.settings import LoRaSettings
from tests.plugins.lora_broadcast.kit import delivery_of, device_request
from tests.plugins.lora_broadcast.scene import Scene, Start


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff", Discard.MALFORMED),
        (cbor2.dumps([1, 2000]), Discard.MALFORMED),
        (cbor2.dumps([4711, 2000, None]), Discard.STRAY),
    ],
)
async def test_answers_that_make_no_sense_are_counted(scene: Scene, payload: bytes, reason: Discard) -> None:
    await scene.reaches(device_request())
    scene.simulation.receive(Uplink(dev_eui(1), 1, 10, payload))
    assert scene.engine.discards == {reason: 1}
    assert scene.engine.answers == []


async def test_an_answer_of_a_device_without_a_known_host_comes_from_a_wrong_address(scene: Scene) -> None:
    delivery, _ = delivery_of(device_request(), await scene.way(device_request(), broadcast=False), scene.hosts[:1])
    await scene.deliver(delivery, 60)
    scene.engine.answers.clear()
    for device in (dev_eui(99), "not even a DevEUI"):
        scene.simulation.receive(Uplink(device, 1, 10, cbor2.dumps([1, 2000, None])))
    assert scene.engine.discards == {Discard.WRONG_ADDRESS: 2}
    assert scene.engine.answers == []


async def test_readings_become_content_instances(start: Start) -> None:
    made = await start(Scene(count=2, interval=600))
    made.simulation.run(700)
    await settle()
    request = made.engine.requests[0]
    assert request.operation is Operation.CREATE
    assert (request.to, request.originator, request.resource_type) == (
        f"{request.originator}/readings",
        request.originator,
        4,
    )
    assert {one.originator for one in made.engine.requests} == {"Clora0001", "Clora0002"}
    instance = request.content["m2m:cin"]
    assert instance["cnf"] == "application/json:0"
    assert instance["con"].startswith('{"wh":')
    assert len({one.request_identifier for one in made.engine.requests}) == len(made.engine.requests)


async def test_a_text_reading_stays_text(scene: Scene) -> None:
    scene.simulation.receive(Uplink(dev_eui(1), 7, 2, cbor2.dumps("12.5")))
    await settle()
    assert scene.engine.requests[0].content == {"m2m:cin": {"con": "12.5"}}


async def test_readings_that_have_no_place_are_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.simulation.receive(Uplink(dev_eui(1), 7, 2, b"\xff"))
    scene.simulation.receive(Uplink(dev_eui(99), 7, 2, cbor2.dumps(1)))
    await settle()
    assert scene.engine.requests == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


async def test_uplinks_on_other_ports_are_ignored(scene: Scene) -> None:
    scene.simulation.receive(Uplink(dev_eui(1), 7, 99, b"\xff"))
    await settle()
    assert (scene.engine.requests, scene.engine.discards) == ([], {})


async def test_an_answer_may_ride_on_a_reading(start: Start) -> None:
    settings = LoRaSettings(answer_with_reading=True)
    made = await start(Scene(count=3, settings=settings, interval=3600))
    await made.join()
    made.engine.requests.clear()
    before = made.simulation.medium.uplinks
    delivery, _ = delivery_of(device_request(), await made.way(device_request(), broadcast=True), made.hosts)
    await made.deliver(delivery, 899)
    await settle()
    assert sorted(made.answered("r1")) == ["Clora0001", "Clora0002", "Clora0003"]
    readings = [one.content["m2m:cin"]["con"] for one in made.engine.requests]
    assert all(reading.endswith('"interval":900}') for reading in readings)
    assert len(readings) == made.simulation.medium.uplinks - before == 3
