from functools import partial

from plugins.lora_broadcast.airtime import SECOND
from plugins.lora_broadcast.network_server import LISTENING_PAUSE, Drop
from plugins.lora_broadcast.radio.air import Concentrator
from plugins.lora_broadcast.radio.gateway import QUEUE_LENGTH, SETUP, Gateway, Job
from plugins.lora_broadcast.radio.interference import MODELS
from plugins.lora_broadcast.radio.kernel import HOUR, Kernel
from plugins.lora_broadcast.regions import EU868

AIRTIME = 2_793_472


class Scene:
    """A gateway whose transmissions and drops are noted with their times."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.sent: list[tuple[str, int]] = []
        self.dropped: list[tuple[str, Drop, int]] = []
        self.gateway = Gateway(
            self.kernel, EU868, Concentrator(0, {}, MODELS["matrix"]), lambda gateway, job: self._note(job), {}
        )

    def submit(self, device: str, *, lifetime: int = HOUR, priority: int = 0, wanted: bool = True) -> Job:
        job = Job(
            10,
            bytes(51),
            EU868.second_window,
            self.kernel.now + lifetime,
            sent=lambda gateway, airtime: None,
            dropped=partial(self._drop, device),
            device=device,
            priority=priority,
            wanted=lambda: wanted,
        )
        self.gateway.submit(job)
        return job

    def _note(self, job: Job) -> None:
        self.sent.append((job.device, self.kernel.now))

    def _drop(self, device: str, reason: Drop) -> None:
        self.dropped.append((device, reason, self.kernel.now))


def test_after_a_unicast_the_gateway_listens_and_after_a_multicast_it_goes_on() -> None:
    scene = Scene()
    for device in ("a", "", "b"):
        scene.submit(device)
    scene.kernel.run(HOUR)
    second = AIRTIME + LISTENING_PAUSE
    assert scene.sent == [("a", 0), ("", second), ("b", second + AIRTIME)]


def test_application_data_goes_before_set_up() -> None:
    scene = Scene()
    scene.submit("running")
    scene.submit("set-up", priority=SETUP)
    scene.submit("data")
    scene.kernel.run(HOUR)
    assert [device for device, _ in scene.sent] == ["running", "data", "set-up"]


def test_an_hour_holds_128_transmissions_and_the_next_waits_for_the_first_to_expire() -> None:
    scene = Scene()
    for number in range(130):
        scene.submit(f"{number}" if number == 0 else "", lifetime=2 * HOUR)
    scene.kernel.run(HOUR)
    assert len(scene.sent) == 128
    assert scene.gateway.budget < AIRTIME
    scene.kernel.run(2 * HOUR)
    assert len(scene.sent) == 130
    assert scene.sent[128][1] == HOUR + AIRTIME
    assert scene.dropped == []


def test_what_the_duty_cycle_keeps_back_until_it_expires_is_dropped_for_that_reason() -> None:
    scene = Scene()
    for _ in range(128):
        scene.submit("")
    scene.submit("late", lifetime=600 * SECOND)
    scene.kernel.run(HOUR)
    assert [(device, reason) for device, reason, _ in scene.dropped] == [("late", Drop.DUTY_CYCLE)]


def test_what_waits_too_long_for_others_expires_when_it_does() -> None:
    scene = Scene()
    for device in ("first", "second", "third"):
        scene.submit(device)
    scene.submit("fourth", lifetime=10 * SECOND)
    scene.kernel.run(HOUR)
    assert scene.dropped == [("fourth", Drop.EXPIRED, 10 * SECOND)]
    assert [device for device, _ in scene.sent] == ["first", "second", "third"]


def test_what_cannot_be_sent_in_time_is_dropped_at_once() -> None:
    scene = Scene()
    scene.submit("first")
    scene.submit("second", lifetime=SECOND)
    assert scene.dropped == [("second", Drop.EXPIRED, 0)]


def test_what_nobody_wants_any_more_is_not_sent() -> None:
    scene = Scene()
    scene.submit("first")
    scene.submit("unwanted", wanted=False)
    scene.submit("last")
    scene.kernel.run(10 * SECOND)
    assert [device for device, _ in scene.sent] == ["first", "last"]


def test_the_queue_is_bounded() -> None:
    scene = Scene()
    for number in range(QUEUE_LENGTH + 2):
        scene.submit(f"{number}")
    assert scene.dropped == [(f"{QUEUE_LENGTH + 1}", Drop.QUEUE_FULL, 0)]


def test_airtime_by_purpose() -> None:
    scene = Scene()
    jobs = [scene.submit("a"), scene.submit(""), scene.submit("b", priority=SETUP)]
    assert [job.purpose for job in jobs] == ["unicast", "multicast", "set-up"]
    assert {scene.gateway.airtime(job) for job in jobs} == {AIRTIME}
