"""What protects CoAP messages: signatures and encryption of requests, codes of answers.

Signatures are those of `cse.coap.signing`. Encryption comes before: everything but the Uri-Path goes into the payload.
"""

from dataclasses import replace

import cbor2

from cse.coap.message import Message, Option, Type, decode, encode
from cse.coap.signing import ANSWER_SIGNED, sign, signer
from cse.config import ConfigurationError
from cse.protection import Protection, Refusal, Refused, Secret, Trust

ANSWERED = "oneM2M CoAP answer"
_HEADER = 4


class Sealer:
    """The side of the CSE. With `encrypts` nothing leaves in clear; ConfigurationError without a key for that."""

    def __init__(self, protection: Protection, encrypts: bool) -> None:
        if encrypts and protection.secret_of_group("") is None:
            raise ConfigurationError("encrypt in [udp-multicast] needs a master key in the file that keys names")
        self.protection = protection
        self.encrypts = encrypts

    @property
    def signs(self) -> bool:
        """Whether requests are signed."""
        return self.protection.signs

    def refusal(self, device: str) -> str:
        """Why nothing may be sent to a device, "" where it may."""
        if not self.encrypts or self.protection.is_provisioned(device):
            return ""
        return f"requests are encrypted, and {device} is none of the members in the file of keys that have a secret"

    def group_secret(self, target: str) -> Secret | None:
        """What is to be told to those who listen to a fan-out target (`/<cse-id>/<segment>`); None if nothing is."""
        return self.protection.secret_of_group(target) if self.encrypts else None

    def to_device(self, message: Message, device: str) -> Message:
        """What travels to a single device, still to be signed."""
        secret = self.protection.secret_of(device) if self.encrypts else None
        return conceal(message, secret) if secret else message

    def to_group(self, message: Message) -> Message:
        """What travels to a group, still to be signed."""
        path = message.texts(Option.URI_PATH)
        secret = self.group_secret("/" + "/".join(path[1:]))
        return conceal(message, secret) if secret else message

    def sign(self, message: Message) -> Message:
        """The message that is sent, complete with header and token; the same one where there is no key."""
        return sign(message, self.protection)


def conceal(message: Message, secret: Secret) -> Message:
    """The message with everything but its Uri-Path in an encrypted payload."""
    path = tuple(option for option in message.options if option[0] == Option.URI_PATH)
    others = tuple(option for option in message.options if option[0] != Option.URI_PATH)
    inner = encode(Message(Type.NON, message.code, 0, b"", others, message.payload))[_HEADER:]
    nonce, ciphertext = secret.encrypt(inner, _visible(message.code, path))
    return replace(message, options=(*path, (Option.ENCRYPTION, nonce)), payload=ciphertext)


def reveal(message: Message, secret: Secret | None) -> Message:
    """The message as it was before `conceal`, or itself; Refused when it cannot be decrypted."""
    nonces = message.values(Option.ENCRYPTION)
    if not nonces:
        return message
    path = tuple(option for option in message.options if option[0] == Option.URI_PATH)
    visible = _visible(message.code, path)
    inner = secret.decrypt(nonces[0], message.payload, visible) if secret else None
    if inner is None:
        raise Refused(Refusal.UNREADABLE)
    opened = decode(encode(Message(Type.NON, message.code, 0)) + inner)
    return replace(message, options=(*path, *opened.options), payload=opened.payload)


def with_code(message: Message, secret: Secret | None) -> Message:
    """An answer with the code that proves who has given it; without a secret as it is."""
    if secret is None:
        return message
    identifier, originator = message.text(Option.REQUEST_IDENTIFIER) or "", message.text(Option.FROM) or ""
    code = secret.code(answer_bytes(message, identifier, originator))
    return replace(message, options=(*message.options, (Option.AUTHENTICATION, code)))


def is_genuine(message: Message, request_identifier: str, originator: str, protection: Protection) -> bool:
    """Whether an answer is that of whom it claims to be: a device that has a secret, or a CSE whose key is known."""
    if originator.startswith("/"):
        return _is_of_cse(message, originator, protection.trust)
    codes = message.values(Option.AUTHENTICATION)
    if not codes:
        return not protection.is_provisioned(originator)
    secret = protection.secret_of(originator)
    return secret is None or secret.fits(answer_bytes(message, request_identifier, originator), codes[0])


def answer_bytes(message: Message, request_identifier: str, originator: str) -> bytes:
    """What the code of an answer is computed over: a CBOR array of what counts of it."""
    status, content_format = message.number(Option.RESPONSE_STATUS_CODE), message.number(Option.CONTENT_FORMAT)
    fields = [ANSWERED, request_identifier, originator, message.code, status, content_format, message.payload]
    return cbor2.dumps(fields)


def _is_of_cse(message: Message, cse_id: str, trust: Trust) -> bool:
    try:
        return not trust.knows(cse_id) or signer(message, trust, ANSWER_SIGNED) == cse_id
    except Refused:
        return False


def _visible(code: int, path: tuple[tuple[int, bytes], ...]) -> bytes:
    """What stays in clear and must not be changed either."""
    return encode(Message(Type.NON, code, 0, b"", path))
