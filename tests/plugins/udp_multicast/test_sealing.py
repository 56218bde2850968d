"""Signatures, encryption and codes of CoAP messages."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cse.coap.message import CoapError, Message, Option, Type, decode, encode
from cse.coap.signing import signer
from cse.coap.target import Endpoint, Target, path_to
from cse.config import ConfigurationError
from cse.primitive import Response
from cse.protection import Protection, Refusal, Refused, Trust
from cse.protection.keys import Keys
from plugins.udp_multicast.messages import answer, device_request
from plugins.udp_multicast.sealing import Sealer, is_genuine, reveal, with_code
from tests.plugins.udp_multicast.keys import KEYS
from tests.plugins.udp_multicast.kit import device_request as request

NOW = 1_800_000_000.0
PROTECTION = Protection("/id-in", KEYS)
TRUST = Trust.of("/id-in", [KEYS.public])
SEALER, SECRETIVE = Sealer(PROTECTION, encrypts=False), Sealer(PROTECTION, encrypts=True)
GROUP = Target(Endpoint("239.192.0.1", 5683), path_to("/id-in", "g01"), ("Cm8", "Cm9"))


def message(target: Target = GROUP) -> Message:
    return replace(device_request(request(), target, NOW + 60), message_id=7, token=b"12345678")


SIGNED = encode(SEALER.sign(message()))


def refusal(datagram: bytes, trust: Trust = TRUST) -> Refusal | None:
    try:
        signer(decode(datagram), trust)
    except Refused as refused:
        return refused.refusal
    return None


def test_the_signer_of_a_message_is_known() -> None:
    assert signer(decode(SIGNED), TRUST) == "/id-in"


def test_a_repeat_is_the_same_datagram() -> None:
    assert encode(SEALER.sign(message())) == SIGNED
    concealed = [SECRETIVE.sign(SECRETIVE.to_group(message())) for _ in range(2)]
    assert concealed[0] == concealed[1]


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_a_datagram_with_any_byte_changed_is_not_accepted(position: int, change: int) -> None:
    datagram = bytearray(SIGNED)
    datagram[position] ^= change
    try:
        assert refusal(bytes(datagram)) in (Refusal.FORGED, Refusal.UNSIGNED)
    except CoapError:
        return


@given(st.integers(0, len(SIGNED)))
def test_a_datagram_that_is_cut_is_not_accepted(length: int) -> None:
    try:
        assert (refusal(SIGNED[:length]) is None) is (length == len(SIGNED))
    except CoapError:
        return


@given(
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=300)), max_size=20),
    st.sampled_from([Type.CON, Type.NON]),
    st.integers(0, 0xFFFF),
    st.binary(max_size=8),
    st.binary(max_size=300),
)
def test_whatever_is_signed_is_accepted(
    options: list[tuple[int, bytes]], kind: Type, message_id: int, token: bytes, payload: bytes
) -> None:
    ordered = tuple(sorted(options, key=lambda option: option[0]))
    written = SEALER.sign(Message(kind, message().code, message_id, token, ordered, payload))
    assert signer(decode(encode(written)), TRUST) == "/id-in"


def test_an_option_that_is_added_spoils_the_signature() -> None:
    decoded = decode(SIGNED)
    for number in (Option.URI_QUERY, Option.AUTHENTICATION, 65100):
        assert refusal(encode(replace(decoded, options=(*decoded.options, (number, b"x"))))) == Refusal.FORGED


def test_without_a_key_nothing_is_signed() -> None:
    unprotected = Sealer(Protection("/id-in"), encrypts=False)
    assert unprotected.sign(message()) == message()
    assert refusal(encode(message())) == Refusal.UNSIGNED


def test_encryption_needs_a_master_key() -> None:
    with pytest.raises(ConfigurationError, match="needs a master key"):
        Sealer(Protection("/id-in", Keys(signing=KEYS.signing)), encrypts=True)


def test_only_the_path_of_an_encrypted_request_can_be_read() -> None:
    concealed = SECRETIVE.to_group(message())
    assert {number for number, _ in concealed.options} == {Option.URI_PATH, Option.ENCRYPTION}
    for word in (b"Cheadend", b"r-1", b"interval", b"Cm8"):
        assert word in encode(message())
        assert word not in encode(concealed)
    assert encode(reveal(concealed, PROTECTION.secret_of_group("/id-in/g01"))) == encode(message())


@pytest.mark.parametrize("secret", [None, PROTECTION.secret_of_group("/id-in/g02"), PROTECTION.secret_of("Cm1")])
def test_who_does_not_have_the_secret_cannot_read(secret: object) -> None:
    with pytest.raises(Refused, match="unreadable"):
        reveal(SECRETIVE.to_group(message()), secret)  # type: ignore[arg-type]


def test_the_path_of_an_encrypted_request_cannot_be_changed() -> None:
    concealed = SECRETIVE.to_group(message())
    moved = replace(concealed, options=((Option.URI_PATH, b"~"), *concealed.options[1:]), code=4)
    with pytest.raises(Refused, match="unreadable"):
        reveal(moved, PROTECTION.secret_of_group("/id-in/g01"))


def test_each_device_has_a_secret_of_its_own() -> None:
    concealed = SECRETIVE.to_device(message(), "Cm1")
    assert encode(reveal(concealed, PROTECTION.secret_of("Cm1"))) == encode(message())
    with pytest.raises(Refused, match="unreadable"):
        reveal(concealed, PROTECTION.secret_of("Cm2"))


def test_devices_without_a_secret_get_nothing_that_is_encrypted() -> None:
    assert SECRETIVE.refusal("Cm1") == ""
    assert "Cstranger is none of the members" in SECRETIVE.refusal("Cstranger")
    assert SEALER.refusal("Cstranger") == ""


def test_the_code_of_an_answer() -> None:
    told = answer(Response(2000, {"m2m:cin": {"con": "done"}}), "r-1", "Cm1")
    proven = with_code(told, PROTECTION.secret_of("Cm1"))
    assert is_genuine(proven, "r-1", "Cm1", PROTECTION)
    assert not is_genuine(proven, "r-2", "Cm1", PROTECTION)
    assert not is_genuine(proven, "r-1", "Cm2", PROTECTION)
    assert not is_genuine(replace(proven, payload=proven.payload[:-1] + b"x"), "r-1", "Cm1", PROTECTION)
    status = tuple((number, b"\x10\x00" if number == 307 else value) for number, value in proven.options)
    assert not is_genuine(replace(proven, options=status), "r-1", "Cm1", PROTECTION)
    assert not is_genuine(with_code(told, PROTECTION.secret_of("Cm2")), "r-1", "Cm1", PROTECTION)


def test_answers_without_a_code_are_those_of_devices_without_a_secret() -> None:
    told = answer(Response(2000), "r-1", "Cm1")
    assert with_code(told, None) == told
    assert not is_genuine(told, "r-1", "Cm1", PROTECTION)
    assert is_genuine(told, "r-1", "Cstranger", PROTECTION)
    assert is_genuine(told, "r-1", "Cm1", Protection("/id-in"))
