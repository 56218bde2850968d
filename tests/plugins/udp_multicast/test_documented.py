"""The examples in docs/protection.md, with nothing but the libraries that the page names, and then with ours."""

import hmac
import re
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cse.coap.message import Option, decode, encode
from cse.coap.target import Endpoint
from cse.protection import Keys, Protection, Refusal, Secret, Trust
from cse.testing.device import SimulatedDevice
from plugins.udp_multicast.guard import Guard
from plugins.udp_multicast.member import Listening, Member
from plugins.udp_multicast.messages import Membership
from plugins.udp_multicast.sealing import is_genuine, reveal

PAGE = Path(__file__).parents[3] / "docs" / "protection.md"
Example = dict[str, bytes]


def examples() -> list[Example]:
    """What stands in each block, by its label."""
    found = []
    for block in re.findall(r"^```hex\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        values: dict[str, str] = {}
        label = ""
        for line in block.splitlines():
            label = line[:12].strip() or label
            values[label] = values.get(label, "") + line[12:]
        found.append({label: bytes.fromhex(digits) for label, digits in values.items()})
    return found


SIGNED, ENCRYPTED, ANSWERED, BROADCAST = examples()
PRIVATE = Ed25519PrivateKey.from_private_bytes(SIGNED["private key"])


def hkdf(secret: bytes, info: str, length: int) -> bytes:
    return HKDF(SHA256(), length, None, info.encode()).derive(secret)


def test_the_signature() -> None:
    assert PRIVATE.public_key().public_bytes_raw() == SIGNED["public key"]
    covered = b"oneM2M CoAP request\n" + SIGNED["message"]
    Ed25519PublicKey.from_public_bytes(SIGNED["public key"]).verify(SIGNED["signature"], covered)
    head, _, tail = SIGNED["datagram"].partition(SIGNED["signature"])
    # The head of the option: delta 64713 and length 64, in CoAP's way.
    assert head[-4:] == bytes.fromhex("edfbbc33")
    assert head[:-4] + tail == SIGNED["message"]


def test_the_encryption() -> None:
    secret = ENCRYPTED["secret"]
    assert hkdf(ENCRYPTED["master"], "group /id-in/g01", 32) == secret
    cipher = AESCCM(hkdf(secret, "encrypt", 16), tag_length=8)
    assert cipher.decrypt(ENCRYPTED["nonce"], ENCRYPTED["ciphertext"], ENCRYPTED["visible"]) == ENCRYPTED["inner"]
    joined = len(ENCRYPTED["visible"]).to_bytes(4) + ENCRYPTED["visible"] + ENCRYPTED["inner"]
    assert hmac.digest(hkdf(secret, "nonce", 32), joined, "sha256")[:13] == ENCRYPTED["nonce"]
    message = decode(ENCRYPTED["message"])
    assert message.values(65001) == [ENCRYPTED["nonce"]]
    assert message.payload == ENCRYPTED["ciphertext"]
    assert encode(reveal(message, Secret(secret))) == SIGNED["message"]


def test_the_code_of_an_answer() -> None:
    secret = hkdf(ENCRYPTED["master"], "member /id-in/Cm1", 32)
    assert secret == ANSWERED["secret"]
    answer = decode(ANSWERED["answer"])
    fields = ["oneM2M CoAP answer", "r-1", "Cm1", answer.code, 2000, 60, answer.payload]
    assert cbor2.dumps(fields) == ANSWERED["covered"]
    assert hmac.digest(hkdf(secret, "answer", 32), ANSWERED["covered"], "sha256")[:16] == ANSWERED["code"]
    proven = decode(ANSWERED["datagram"])
    assert proven.values(65004) == [ANSWERED["code"]]
    assert is_genuine(proven, "r-1", "Cm1", Protection("/id-in", Keys(master=ENCRYPTED["master"], members=("Cm1",))))


def test_the_signature_of_a_broadcast_over_lora() -> None:
    assert BROADCAST["covered"] == b"oneM2M LoRa request\n" + bytes.fromhex("ff000001") + BROADCAST["payload"]
    PRIVATE.public_key().verify(BROADCAST["signature"], BROADCAST["covered"])
    assert BROADCAST["frame"] == BROADCAST["signature"] + BROADCAST["payload"]


@pytest.mark.parametrize("example", [SIGNED["datagram"], None])
def test_our_meters_keep_to_the_page(example: bytes | None) -> None:
    """They take the example, and refuse the message without its signature."""
    meter = Member(SimulatedDevice("Cm1"), "127.7.0.1", "Cm2", Guard(Trust.of("/id-in", [SIGNED["public key"].hex()])))
    meter.join(Listening(Membership("/id-in", "Cm1", "239.192.0.1:5683", "g01", 1.0), ""))
    sent = decode(example or SIGNED["message"])
    made = 1_800_000_000.0
    _, answers = meter.multicast(sent, Endpoint("127.0.0.1", 1), "239.192.0.1:5683", made)
    assert (len(answers), meter.device.interval) == ((1, 900.0) if example else (0, 3600.0))
    assert meter.device.refused == ({} if example else {Refusal.UNSIGNED: 1})
    assert len(sent.values(Option.AUTHENTICATION)) == len(answers)
