"""The identifier forms of TS-0001 clause 7.2: CSE-relative, SP-relative and absolute, structured or not."""

import re
from dataclasses import dataclass

from cse.errors import BadRequest

_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_NAMES = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*")
_SP_WIDE = re.compile(r"S[A-Za-z0-9._-]+")  # an AE-ID-Stem that the service provider knows
MAX_LENGTH = 2048
LONGEST_PATH = MAX_LENGTH - 512  # leaves room for service provider and CSE-ID
MAX_SEGMENTS = 64


@dataclass(frozen=True, slots=True)
class Naming:
    """How this CSE is called: CSE-ID with its leading slash, resource name of the CSEBase, service provider domain."""

    cse_id: str
    cse_name: str
    service_provider: str

    @property
    def base_identifier(self) -> str:
        """The resource identifier of the CSEBase: the CSE-ID without its slash."""
        return self.cse_id.removeprefix("/")

    def local(self, address: str) -> list[str] | None:
        """The segments of an address below this CSE, CSE-relative; None for an address of another CSE.

        `-` stands for the CSEBase. BadRequest for text that is no address.
        """
        segments = self._strip_scope(address)
        if segments is None:
            return None
        if not segments or segments == [""]:
            segments = [self.cse_name]
        if not _are_names(segments):
            raise BadRequest(f"the address {address[:80]!r} is malformed: use names of letters, digits, '-', '_', '.'")
        first = segments[0]
        if first == "-" or (first != self.cse_name and first == self.base_identifier):
            segments[0] = self.cse_name
        return segments

    def _strip_scope(self, address: str) -> list[str] | None:
        if not address or len(address) > MAX_LENGTH:
            raise BadRequest(f"an address must have between 1 and {MAX_LENGTH} characters")
        segments = address.split("/")
        if address.startswith("//"):
            if len(segments) < 4 or segments[2] != self.service_provider:
                return None
            segments = segments[2:]
            segments[0] = ""
        if segments[0]:
            return segments
        if len(segments) < 2 or not segments[1]:
            raise BadRequest(f"the address {address[:80]!r} names no CSE")
        if "/" + segments[1] == self.cse_id:
            return segments[2:]
        return segments[1:] if _SP_WIDE.fullmatch("/".join(segments[1:])) else None

    def other_cse(self, address: str) -> str | None:
        """The CSE-ID of another CSE that an address leads to, absolute if it is of another service provider.

        None for an address here; BadRequest for text that is no address.
        """
        if not address.startswith("/") or self.local(address) is not None:
            return None
        _, *names = self.originator(address).split("/")
        scope = 3 if names[0] == "" else 1  # nothing, service provider and CSE-ID, or the CSE-ID alone
        if not _are_names(names[scope > 1 :]):
            raise BadRequest(f"the address {address[:80]!r} is malformed: use names of letters, digits, '-', '_', '.'")
        return "/" + "/".join(names[:scope])

    def names_cse(self, address: str) -> bool:
        """Whether an address is the CSE-ID alone, which stands for the CSE and for no resource."""
        return address[:1] == "/" and address in (self.cse_id, f"//{self.service_provider}{self.cse_id}")

    def originator(self, text: str) -> str:
        """An originator in its shortest form here: `/id-in/Cmeter` and `//cse.example/id-in/Cmeter` are `Cmeter`.

        An AE-ID that is unique with the service provider is written `/Smeter` elsewhere, and is `Smeter`. The shortest
        form of a shortest form is itself, so that nobody is taken for somebody else on the second look.
        """
        if text[:1] != "/":
            return text
        domain = f"//{self.service_provider}/"
        relative = "/" + text.removeprefix(domain) if text.startswith(domain) else text
        local = relative.removeprefix(f"{self.cse_id}/")
        if local != relative and not local.startswith("/"):
            return local
        stem = relative.removeprefix("/")
        return stem if _SP_WIDE.fullmatch(stem) else relative

    def elsewhere(self, originator: str, *, other_provider: bool = False) -> str:
        """An originator as he is named at another CSE: SP-relative, or absolute at one of another service provider."""
        name = self.originator(originator)
        if _SP_WIDE.fullmatch(name):
            name = f"/{name}"
        elif not name.startswith("/"):
            name = self.sp_relative(name)
        return f"//{self.service_provider}{name}" if other_provider and not name.startswith("//") else name

    def as_seen_by(self, originator: str, address: str) -> str:
        """A CSE-relative address as somebody needs it: SP-relative if he is elsewhere, as his own name then is."""
        is_elsewhere = originator.startswith("/") and self.originator(originator) != self.cse_id
        return self.sp_relative(address) if is_elsewhere else address

    def sp_relative(self, identifier: str) -> str:
        """A resource identifier or AE-ID of this CSE as others address it."""
        return f"{self.cse_id}/{identifier}"


def _are_names(segments: list[str]) -> bool:
    return len(segments) <= MAX_SEGMENTS and _NAMES.fullmatch("/".join(segments)) is not None


def addressable(path: str) -> bool:
    """Whether a structured address is short enough to be used in a request, in each of its forms."""
    return path.count("/") < MAX_SEGMENTS and len(path) <= LONGEST_PATH


def valid_name(name: str) -> bool:
    """Whether this is a resource name: unreserved characters only (TS-0004 clause 6.3.3)."""
    return bool(_SEGMENT.fullmatch(name)) and len(name) <= 256
