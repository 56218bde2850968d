"""Signatures of CoAP messages.

A signature covers the whole datagram as it would be without it, behind a text that says what it is; since the option
that holds it has the highest number, it is the last one.
"""

from dataclasses import replace

from cse.coap.message import Message, Option, encode
from cse.protection import Protection, Refusal, Refused, Trust
from cse.protection.trust import SIGNATURE_LENGTH

SIGNED = b"oneM2M CoAP request\n"
ANSWER_SIGNED = b"oneM2M CoAP answer\n"
# What a signature adds to a message: the head of its option, and itself.
SIGNATURE_ROOM = 5 + SIGNATURE_LENGTH


def sign(message: Message, protection: Protection, purpose: bytes = SIGNED) -> Message:
    """The message that is sent, complete with header and token; the same one where there is no key."""
    if not protection.signs:
        return message
    signature = protection.sign(purpose + encode(message))
    return replace(message, options=(*message.options, (Option.AUTHENTICATION, signature)))


def sign_answer(message: Message, protection: Protection) -> Message:
    """An answer of this CSE for members that it hosts, complete with header and token."""
    return sign(message, protection, ANSWER_SIGNED)


def signer(message: Message, trust: Trust, purpose: bytes = SIGNED) -> str:
    """The CSE-ID of who has signed a message; Refused when it is nobody in whom there is trust."""
    signatures = message.values(Option.AUTHENTICATION)
    if not signatures:
        raise Refused(Refusal.UNSIGNED)
    bare = replace(message, options=tuple(option for option in message.options if option[0] != Option.AUTHENTICATION))
    found = trust.signer(purpose + encode(bare), signatures[0]) if len(signatures) == 1 else None
    if found is None:
        raise Refused(Refusal.FORGED)
    return found
