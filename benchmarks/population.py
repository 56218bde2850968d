"""The meters of the large campaign: half of them on UDP multicast, half on LoRa, each half a program of its own."""

from contextlib import AbstractAsyncContextManager

from benchmarks import servers
from benchmarks.load import Address
from cse.testing.meters import build_devices

UDP, LORA = "Cudp", "Clora"
SEED = 1
# Nobody reports meanwhile: how fast readings are taken in is measured elsewhere.
INTERVAL = 10**9
RADIUS = 3000
PATIENT = ("nice", "-n", "5")  # meters have processors of their own, and share one with the server only here


class Meters:
    """`loss` is the probability that a request or an answer is lost, `deaf` the share of those that hear nothing."""

    def __init__(self, address: Address, policy: str, members: int, deaf: float, loss: float) -> None:
        halves = {UDP: members // 2, LORA: members - members // 2}
        self._address, self._policy, self._loss = address, policy, loss
        self._deaf = {prefix: round(count * deaf) for prefix, count in halves.items()}
        devices = [
            device
            for prefix, count in halves.items()
            for device in build_devices(prefix, count, seed=SEED, deaf=self._deaf[prefix])
        ]
        self.names = [device.id for device in devices]
        self.deaf = {device.id for device in devices if device.faults.deaf}
        self._counts = halves

    def udp(self, port: int) -> AbstractAsyncContextManager[servers.Program]:
        """The program of those on UDP; ready when they are registered."""
        return self._program("udp", UDP, "--port", str(port))

    def lora(self, port: int, speed: float, gateways: int) -> AbstractAsyncContextManager[servers.Program]:
        """The program of those on LoRa, which is their network server, too."""
        radio = ("--radio-speed", str(speed), "--gateways", str(gateways), "--radius", str(RADIUS))
        return self._program("lora", LORA, "--listen", f"127.0.0.1:{port}", *radio)

    def _program(self, kind: str, prefix: str, *options: str) -> AbstractAsyncContextManager[servers.Program]:
        values = {
            "cse": "http://{}:{}".format(*self._address),
            "acp": self._policy,
            "count": self._counts[prefix],
            "deaf": self._deaf[prefix],
            "loss": self._loss,
            "answer-loss": self._loss,
            "interval": INTERVAL,
            "seed": SEED,
        }
        common = [text for name, value in values.items() for text in (f"--{name}", str(value))]
        return servers.started(*PATIENT, servers.CSE, "meters", kind, *common, *options, patience=servers.REGISTRATION)
