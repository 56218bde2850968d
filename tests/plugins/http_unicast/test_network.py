import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
import pytest

from cse.network import Delivery, Discard, Host, Network, Reason, Unreachable, Way
from cse.primitive import OK, Request, Response
from cse.serialization import as_cbor
from cse.serialization.limits import Limits
from cse.testing.clock import ManualClock, settle
from cse.testing.contract import NetworkContract, ways
from cse.testing.device import SimulatedDevice
from cse.testing.engine import RecordingEngine
from plugins.http_unicast.meters import HttpMeters
from plugins.http_unicast.network import HttpUnicast
from plugins.http_unicast.settings import HttpUnicastSettings
from tests.web_servers import HANG_UP, RawServer, closed_port, header, http

ONEM2M = {"X-M2M-RSC": "2000", "X-M2M-RI": "contract-1", "X-M2M-Origin": "Cmeter1"}
FORBIDDEN = "http://127.66.0.1:8080/meter"
Respond = Callable[[bytes], bytes | Awaitable[bytes]]


class TestHttpUnicast(NetworkContract):
    @pytest.fixture
    def network(self) -> HttpUnicast:
        return HttpUnicast(HttpUnicastSettings(max_response_bytes=10_000, answer_timeout=5.0))

    @pytest.fixture
    def engine(self) -> RecordingEngine:
        return RecordingEngine(ManualClock(), allowed=["127.0.0.1/32"])

    @pytest.fixture
    async def reachable_host(self) -> AsyncIterator[Host]:
        device = SimulatedDevice("Cmeter1")
        meters = HttpMeters([device], "http://127.0.0.1:1/cse-in")
        await meters.start()
        yield Host(device.id, (meters.url(device),))
        await meters.stop()

    @pytest.fixture
    def dead_host(self) -> Host:
        return Host("Cmeter2", (f"http://127.0.0.1:{closed_port()}/meter",))

    async def offered(self, network: Network, host: Host, request: Request) -> Way | Unreachable:
        (found,) = (await network.offers([host], request, ""))[0]
        return found

    async def answer_of(
        self, respond: Respond, started: Network, engine: RecordingEngine, request: Request
    ) -> Response:
        async with RawServer(respond) as server:
            sent = await self.deliver_first(started, Host("Cmeter1", (server.url(),)), request)
        assert sent.failure is None
        assert sent.transmissions == 1
        return (await engine.answered(1))[0].response

    async def test_the_request_on_the_wire(self, started: Network, engine: RecordingEngine, request_: Request) -> None:
        request = request_.derive(request_expiration="60000", group_request_identifier="g-1", event_category="2")
        async with RawServer(lambda _: http(200, ONEM2M)) as server:
            await self.deliver_first(started, Host("Cmeter1", (server.url("/in?a=1&ct=json"),)), request)
        (message,) = server.requests
        assert message.startswith(b"POST /in?a=1 HTTP/1.1\r\n")
        expected = {
            "X-M2M-Origin": "Cheadend",
            "X-M2M-RI": "contract-1",
            "X-M2M-RVI": "3",
            "X-M2M-OT": request.originating_timestamp,
            "X-M2M-RET": "60000",
            "X-M2M-GID": "g-1",
            "X-M2M-EC": "2",
            "Content-Type": "application/json",
            "Transfer-Encoding": None,
            "X-M2M-RTU": None,
        }
        assert {name: header(message, name) for name in expected} == expected
        assert orjson.loads(message.split(b"\r\n\r\n", 1)[1]) == request.content

    async def test_the_meter_has_carried_it_out(
        self, started: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        await self.deliver_first(started, reachable_host, request_)
        assert engine.answers[0].response == Response(OK, {"m2m:cin": {"con": '{"interval":900.0}'}})

    async def test_an_unsuccessful_answer_is_an_answer(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        body = b'{"m2m:dbg": "no"}'
        answer = await self.answer_of(
            lambda _: http(403, {**ONEM2M, "X-M2M-RSC": "4103"}, body), started, engine, request_
        )
        assert answer == Response(4103, {"m2m:dbg": "no"})

    async def test_a_plain_web_server_means_ok(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        answer = await self.answer_of(lambda _: http(204), started, engine, request_)
        assert answer == Response(OK)

    async def test_the_body_of_a_plain_web_server_is_not_read(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n<html>"
        answer = await self.answer_of(lambda _: endless, started, engine, request_)
        assert answer == Response(OK)

    @pytest.mark.parametrize("status", [302, 404, 503])
    async def test_other_statuses_of_a_plain_web_server_are_refusals(
        self, status: int, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        async with RawServer(lambda _: http(200, ONEM2M)) as elsewhere:
            redirect = http(status, {"Location": elsewhere.url()})
            async with RawServer(lambda _: redirect) as server:
                sent = await self.deliver_first(started, Host("Cmeter1", (server.url(),)), request_)
        assert sent.failure is not None
        assert sent.failure.refused
        assert sent.transmissions == 1
        assert elsewhere.connections == 0
        assert engine.answers == []

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    async def test_any_success_of_a_plain_web_server_means_ok_whatever_it_says(
        self, status: int, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        page = http(status, {"Content-Type": "text/html"}, b"" if status == 204 else b"<p>{thank you")
        assert await self.answer_of(lambda _: page, started, engine, request_) == Response(OK)

    async def test_receivers_may_speak_an_older_http(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        for answer in (b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nX-M2M-RSC: 2000\r\n\r\n{}"):
            async with RawServer(lambda _, answer=answer: answer) as server:
                await self.deliver_first(started, Host("Cmeter1", (server.url(),)), request_)
        assert [received.response.status_code for received in engine.answers] == [OK, OK]

    async def test_the_length_is_stated_and_nothing_is_chunked(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        async with RawServer(lambda _: http(200, ONEM2M)) as server:
            await self.deliver_first(started, Host("Cmeter1", (server.url("/in?ct=cbor"),)), request_)
        head, body = server.requests[0].split(b"\r\n\r\n", 1)
        assert header(head, "Content-Length") == str(len(body))
        assert header(head, "Transfer-Encoding") is None
        assert header(head, "Content-Type") == "application/cbor"
        assert as_cbor.read(body, Limits(32, 1000)) == request_.content

    async def test_a_single_request_is_answered_by_whoever_was_asked(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        async with RawServer(lambda _: http(200, ONEM2M | {"X-M2M-Origin": "Csomebody"})) as server:
            host = Host("Cmeter1", (server.url(),))
            (way,) = ways((await started.offers([host], request_, ""))[0])
            await started.deliver(Delivery(request_, way.offer, way.address, [host], "", 1, 0.0, float("inf")))
        assert [answer.originator for answer in engine.answers] == ["Cmeter1"]

    async def test_a_huge_answer_is_cut(self, started: Network, engine: RecordingEngine, request_: Request) -> None:
        body = orjson.dumps({"m2m:cin": {"con": "x" * 20_000}})
        answer = await self.answer_of(lambda _: http(200, ONEM2M, body), started, engine, request_)
        assert answer == Response(OK, None, content_status=1)

    @pytest.mark.parametrize(
        ("headers", "body", "reason"),
        [
            ({}, b"{not json", Discard.MALFORMED),
            ({"X-M2M-RSC": "fine"}, b"", Discard.MALFORMED),
            ({"X-M2M-RI": "another"}, b"", Discard.STRAY),
            ({"X-M2M-Origin": "Cmeter2"}, b"", Discard.WRONG_ADDRESS),
        ],
    )
    async def test_answers_that_do_not_count(
        self,
        headers: dict[str, str],
        body: bytes,
        reason: Discard,
        started: Network,
        engine: RecordingEngine,
        request_: Request,
    ) -> None:
        async with RawServer(lambda _: http(200, {**ONEM2M, **headers}, body)) as server:
            await self.deliver_first(started, Host("Cmeter1", (server.url(),)), request_)
        assert engine.discards == {reason: 1}
        assert engine.answers == []

    async def test_from_may_be_stated_with_the_cse(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        answer = await self.answer_of(
            lambda _: http(200, {**ONEM2M, "X-M2M-Origin": "/id-in/Cmeter1"}), started, engine, request_
        )
        assert answer == Response(OK)

    @pytest.mark.parametrize("code", ["1000", "1001", "1002"])
    async def test_an_acknowledgement_is_no_answer(
        self, code: str, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        async with RawServer(lambda _: http(202, {**ONEM2M, "X-M2M-RSC": code})) as server:
            sent = await self.deliver_first(started, Host("Cmeter1", (server.url(),)), request_)
        assert sent == (1, 0.0, None)
        assert engine.answers == []
        assert not engine.discards

    async def test_a_closed_connection_is_silence(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        async with RawServer(lambda _: HANG_UP) as server:
            sent = await self.deliver_first(started, Host("Cmeter1", (server.url(),)), request_)
        assert sent == (1, 0.0, None)
        assert server.connections == 1
        assert engine.answers == []

    async def test_a_slow_device_is_silence(self, started: Network, engine: RecordingEngine, request_: Request) -> None:
        released = asyncio.Event()

        async def late(_: bytes) -> bytes:
            await released.wait()
            return http(200, ONEM2M)

        async with RawServer(late) as server:
            delivery = asyncio.create_task(self.deliver_first(started, Host("Cmeter1", (server.url(),)), request_))
            while not server.requests:
                await settle()
            assert isinstance(engine.clock, ManualClock)
            await engine.clock.advance(5)
            assert (await delivery) == (1, 0.0, None)
            released.set()
        assert engine.answers == []

    async def test_a_refused_connection_is_known(self, started: Network, dead_host: Host, request_: Request) -> None:
        sent = await self.deliver_first(started, dead_host, request_)
        assert sent.failure is not None
        assert sent.failure.refused
        assert "127.0.0.1" in str(sent.failure)
        assert sent.transmissions == 0

    async def test_an_address_that_is_not_allowed_is_not_offered(self, started: Network, request_: Request) -> None:
        found = await self.offered(started, Host("Cmeter1", (FORBIDDEN,)), request_)
        assert isinstance(found, Unreachable)
        assert found.reason is Reason.NOT_ALLOWED
        assert "127.66.0.1" in found.detail

    @pytest.mark.parametrize("name", ["127.66.0.1", "0x7f420001", "[::1]"])
    async def test_an_address_that_is_not_allowed_is_not_connected_to(
        self, name: str, started: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        way = ways((await started.offers([reachable_host], request_, ""))[0])[0]
        forbidden = way._replace(address=f"http://{name}:8080/")
        sent = await self.deliver(started, forbidden, [Host("Cmeter1", (forbidden.address,))], request_)
        assert sent.failure is not None
        assert "allowed_targets" in str(sent.failure)
        assert not sent.failure.refused
        assert sent.transmissions == 0

    async def test_a_name_is_judged_by_where_it_leads(
        self, network: Network, reachable_host: Host, request_: Request
    ) -> None:
        await network.start(RecordingEngine(allowed=["192.0.2.0/24"]))
        sent = await self.deliver_first(network, Host("Cmeter1", ("http://localhost:8080/",)), request_)
        await network.stop()
        assert "allowed_targets" in str(sent.failure)

    async def test_all_usable_points_of_access_are_offered_in_their_order(
        self, started: Network, request_: Request
    ) -> None:
        poa = ("coap://[ff02::1]/", FORBIDDEN, "https://meters.example/1", "http://127.0.0.1/")
        found = ways((await started.offers([Host("Cmeter1", poa)], request_, ""))[0])
        assert [way.address for way in found] == ["https://meters.example/1", "http://127.0.0.1/"]

    async def test_a_cse_gets_several_requests_at_a_time(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        met = asyncio.Barrier(2)

        async def together(_: bytes) -> bytes:
            await met.wait()
            return http(200, {"X-M2M-RSC": "2000"})

        async with RawServer(together) as server:
            host = Host("/id-mn/Cmeter", (server.url("/"),), cse="/id-mn")
            await asyncio.gather(*(self.deliver_first(started, host, request_) for _ in range(2)))
        assert {answer.originator for answer in engine.answers} == {"/id-mn/Cmeter"}

    async def test_a_host_that_takes_no_requests_is_not_offered(
        self, started: Network, reachable_host: Host, request_: Request
    ) -> None:
        found = await self.offered(started, Host("Cmeter1", reachable_host.points_of_access, False), request_)
        assert isinstance(found, Unreachable)
        assert found.reason is Reason.NO_POA

    async def test_hosts_behind_one_address_are_asked_one_by_one(
        self, started: Network, engine: RecordingEngine, request_: Request
    ) -> None:
        async with RawServer(lambda _: http(200, {"X-M2M-RSC": "2000"})) as server:
            hosts = [Host("Cmeter1", (server.url(),)), Host("Cmeter2", (server.url(),))]
            way = ways((await started.offers(hosts, request_, ""))[0])[0]
            sent = await self.deliver(started, way, hosts, request_)
        assert sent.transmissions == 2
        assert [answer.originator for answer in engine.answers] == ["Cmeter1", "Cmeter2"]

    async def test_a_header_cannot_be_smuggled_in(
        self, started: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        request = request_.derive(vendor_information="x\r\nX-M2M-Origin: CAdmin")
        sent = await self.deliver_first(started, reachable_host, request)
        assert sent.failure is not None
        assert engine.answers == []

    async def test_a_delivery_after_the_deadline_is_not_sent(
        self, started: Network, engine: RecordingEngine, reachable_host: Host, request_: Request
    ) -> None:
        sent = await self.deliver_first(started, reachable_host, request_, deadline=engine.clock.now())
        assert "deadline" in str(sent.failure)
        assert sent.transmissions == 0
