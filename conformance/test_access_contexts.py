"""SEC/ACP: rules that hold only at some times, at some places, or for who has proved who he is."""

from datetime import UTC, datetime

import pytest

from conformance.application import Application, rule
from conformance.client import Attributes
from conformance.purposes import purpose
from conformance.rights import OPERATIONS, attempt, guarded, right
from conformance.standard import ACP, ALL, RETRIEVE

TP = "TP/oneM2M/CSE/SEC/ACP"
EVERYBODY = {"acr": [rule(ALL, "all")]}


@purpose("TP/own/CSE/SEC/013")
def test_authenticated_originators(ae: Application, stranger: Application) -> None:
    """accessControlAuthenticationFlag: who has proved nothing is not permitted (TS-0001 clause 9.6.2.5)."""
    stranger.retrieve(guarded(ae, rule(RETRIEVE, stranger.identifier, acaf=True))).expect(4103)
    stranger.retrieve(guarded(ae, rule(RETRIEVE, stranger.identifier, acaf=False))).expect(2000)


def window(hours: str) -> Attributes:
    """A context: any time in these hours of the day."""
    return {"actw": [f"* * {hours} * * * *"]}


@purpose(f"{TP}/005")
@right
def test_inside_time_window(ae: Application, stranger: Application, right: int) -> None:
    """The time is in the window (TS-0001 clause 9.6.2.3; schedule entries: TS-0004 clause 6.3.3)."""
    path = guarded(ae, rule(right, stranger.identifier, acco=[window("*")]))
    attempt(stranger, right, path).expect(OPERATIONS[right])


@purpose(f"{TP}/006")
@right
def test_outside_time_window(ae: Application, stranger: Application, right: int) -> None:
    """The hour of the day is another one."""
    path = guarded(ae, rule(right, stranger.identifier, acco=[window(str((datetime.now(UTC).hour + 12) % 24))]))
    attempt(stranger, right, path).expect(4103)


@purpose("TP/own/CSE/SEC/014")
@pytest.mark.parametrize("fields", ["* * * * * *", "* * * * * * * *", "* * 24 * * * *", "now"])
def test_malformed_time_window(ae: Application, fields: str) -> None:
    """A window has seven fields with what there is in a calendar."""
    attributes = {"pv": {"acr": [rule(ALL, "all", acco=[{"actw": [fields]}])]}, "pvs": EVERYBODY}
    ae.create(ae.path, ACP, attributes).expect(4000)


@purpose(f"{TP}/008")
@right
@pytest.mark.parametrize("region", [{"accc": ["AQ"]}, {"accr": [0.0, 0.0, 1.0]}])
def test_outside_region(ae: Application, stranger: Application, right: int, region: Attributes) -> None:
    """An originator of whom nobody knows where he is, is outside of every region."""
    path = guarded(ae, rule(right, stranger.identifier, acco=[{"aclr": region}]))
    attempt(stranger, right, path).expect(4103)


@purpose(f"{TP}/009")
@right
def test_inside_addresses(ae: Application, stranger: Application, right: int, own_address: str) -> None:
    """The request comes from an address in the list."""
    addresses = {"ipv4": ["192.0.2.1", own_address]}
    path = guarded(ae, rule(right, stranger.identifier, acco=[{"acip": addresses}]))
    attempt(stranger, right, path).expect(OPERATIONS[right])


@purpose(f"{TP}/010")
@right
@pytest.mark.parametrize("addresses", [{"ipv4": ["192.0.2.1"]}, {"ipv6": ["2001:db8::1"]}])
def test_outside_addresses(ae: Application, stranger: Application, right: int, addresses: Attributes) -> None:
    """The request comes from another address."""
    path = guarded(ae, rule(right, stranger.identifier, acco=[{"acip": addresses}]))
    attempt(stranger, right, path).expect(4103)


@purpose("TP/own/CSE/SEC/015")
def test_conditions_of_a_context(ae: Application, stranger: Application, own_address: str) -> None:
    """All conditions of a context must hold, and one context suffices (TS-0001 clause 9.6.2.2)."""
    here, elsewhere = {"ipv4": [own_address]}, {"ipv4": ["192.0.2.1"]}
    both = [window("*") | {"acip": elsewhere}]
    either = [window("*") | {"acip": elsewhere}, window("*") | {"acip": here}]
    stranger.retrieve(guarded(ae, rule(RETRIEVE, stranger.identifier, acco=both))).expect(4103)
    stranger.retrieve(guarded(ae, rule(RETRIEVE, stranger.identifier, acco=either))).expect(2000)
