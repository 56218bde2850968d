"""Device requests: choice of the network, answers, repair, and every state a member can end in."""

from cse.network import DeliveryFailed, Discard, Reason
from cse.primitive import Operation, Response, ResponseType
from tests.cse.fanout.scenario import contents, eventually, items, refusing, scenario


async def test_every_member_answers_and_is_named() -> None:
    async with scenario() as city:
        members = await city.meters(5, "wire")
        await city.group(members)
        response = await city.notify()
        assert response.status_code == 2000
        assert items(response.content) == dict.fromkeys(members, 2000)
        assert contents(response.content)["cse-in/m3"] == {"m2m:cin": {"con": "Cm3"}}


async def test_one_broadcast_serves_all_that_share_it() -> None:
    async with scenario() as city:
        await city.group(await city.meters(10, "air"))
        request = await city.start()
        result = await city.finished(request)
        assert result["rs"] == 1
        assert len(result["ors"]["pc"]["m2m:agr"]["m2m:rsp"]) == 10
        assert [len(delivery.hosts) for delivery in city.air.deliveries] == [10]


async def test_the_silent_ones_get_the_same_broadcast_again_and_then_unicast() -> None:
    async with scenario() as city:
        await city.group(await city.meters(10, "air"))
        hears = {"Cm0": 2, "Cm1": 2, "Cm2": 3}
        city.air.hears = lambda host, attempt: attempt >= hears.get(host, 1)
        request = await city.start()
        await city.finished(request)
        sent = [(delivery.offer.id, delivery.attempt, len(delivery.hosts)) for delivery in city.air.deliveries]
        assert sent == [("air-broadcast", 1, 10), ("air-broadcast", 2, 3), ("air-unicast", 3, 1)]
        assert len({delivery.request.request_identifier for delivery in city.air.deliveries}) == 1
        assert [(await city.rows(request))[f"cse-in/m{i}"].attempts for i in (0, 2, 5)] == [2, 3, 1]


async def test_unicast_is_repeated_until_the_deadline_and_silent_members_are_named() -> None:
    async with scenario() as city:
        await city.group(await city.meters(3, "wire"))
        city.wire.hears = lambda host, attempt: host != "Cm1"
        request = await city.start(request_expiration="60000")
        result = await city.finished(request)
        assert set(items(result["ors"]["pc"])) == {"cse-in/m0", "cse-in/m2"}
        silent = (await city.rows(request))["cse-in/m1"]
        assert (silent.state, silent.reason) == ("failed", "SILENT")
        attempts = sum(delivery.hosts[0].id == "Cm1" for delivery in city.wire.deliveries)
        assert silent.attempts == attempts >= 4


async def test_nobody_answers() -> None:
    async with scenario() as city:
        await city.group(await city.meters(3, "wire"))
        city.wire.answers = False
        request = await city.start(request_expiration="30000")
        result = await city.finished(request)
        assert (result["rs"], result["ors"]["rsc"]) == (2, 5209)


async def test_a_member_without_the_originators_grant_gets_4103_and_nothing_is_sent() -> None:
    async with scenario() as city:
        rule = {"acor": ["Cheadend"], "acop": 63}
        await city.create("cse-in", 1, "acp", rn="open", pv={"acr": [rule]}, pvs={"acr": [rule]})
        closed = await city.meters(3, "wire")
        open_meter = await city.meter("open1", "wire://open1", acpi=["cse-in/open"])
        await city.group([*closed, open_meter], macp=["cse-in/open"])
        response = await city.notify(originator="Cheadend")
        assert items(response.content) == dict.fromkeys(closed, 4103) | {open_meter: 2000}
        assert [delivery.hosts[0].id for delivery in city.wire.deliveries] == ["Copen1"]


async def test_the_group_itself_refuses_a_stranger() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        assert (await city.notify(originator="Cstranger")).status_code == 4103
        assert city.wire.deliveries == []


async def test_a_network_that_raises_costs_only_its_own_delivery() -> None:
    async with scenario() as city:
        both = [await city.meter(f"b{i}", f"air://b{i}", f"wire://b{i}") for i in range(3)]
        await city.group([*both, await city.meter("w", "wire://w")])
        city.air.failure = RuntimeError("broken plugin")
        request = await city.start()
        result = await city.finished(request)
        assert items(result["ors"]["pc"]) == dict.fromkeys([*both, "cse-in/w"], 2000)
        assert {row.network for row in (await city.rows(request)).values()} == {"wire"}


async def test_a_network_that_raises_when_asked_for_offers_offers_nothing() -> None:
    async with scenario() as city:
        await city.group([await city.meter("b", "air://b", "wire://b")])
        city.air.offer_failure = RuntimeError("broken plugin")
        assert items((await city.notify()).content) == {"cse-in/b": 2000}


async def test_final_reasons() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        for failure, reason in [
            (refusing(), "REFUSED"),
            (RuntimeError("broken"), "ERROR"),
            (DeliveryFailed("closed"), "SILENT"),
        ]:
            city.wire.failure = failure
            request = await city.start(request_expiration="10000")
            await city.finished(request)
            assert (await city.rows(request))["cse-in/m0"].reason == reason


async def test_a_member_that_no_network_knows_is_unreachable_with_its_reason() -> None:
    async with scenario() as city:
        await city.group([await city.meter("far", "pigeon://loft"), *await city.meters(1, "wire")])
        response = await city.notify()
        assert items(response.content) == {"cse-in/far": 5103, "cse-in/m0": 2000}
        assert "NO_POA" in contents(response.content)["cse-in/far"]["m2m:dbg"]


async def test_a_network_that_is_away_for_a_while_is_asked_again() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        city.wire.reason = Reason.OFFLINE
        request = await city.start()
        await city.clock.advance(30)
        assert {row.state for row in (await city.rows(request)).values()} == {"waiting"}
        city.wire.reason = None
        assert (await city.finished(request))["rs"] == 1


async def test_still_away_at_the_deadline_is_unreachable() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        city.wire.reason = Reason.OFFLINE
        request = await city.start(request_expiration="90000")
        await city.finished(request)
        assert {(row.state, row.reason) for row in (await city.rows(request)).values()} == {("unreachable", "OFFLINE")}


async def test_too_slow_for_a_blocking_request() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        response = await city.notify(request_expiration="100")
        assert "TOO_SLOW" in contents(response.content)["cse-in/m0"]["m2m:dbg"]
        assert city.wire.deliveries == []


async def test_answers_that_change_nothing_are_counted() -> None:
    async with scenario() as city:
        await city.group(await city.meters(2, "wire"))
        city.wire.answers = False
        request = await city.start(request_expiration="30000")
        await eventually(lambda: len(city.wire.deliveries) == 2)
        identifier = city.wire.deliveries[0].request.request_identifier
        city.wire.answer(identifier, "Cm0")
        city.wire.answer(identifier, "Cm0", 4000)
        city.wire.answer(identifier, "Cnobody")
        city.wire.engine.discard(identifier, Discard.WRONG_ADDRESS)
        city.wire.answer("no-such-request", "Cm1")
        await city.finished(request)
        city.wire.answer(identifier, "Cm1")
        rows = await city.rows(request)
        assert [rows[f"cse-in/m{i}"].state for i in (0, 1)] == ["answered", "failed"]
        assert rows["cse-in/m0"].status_code == 2000
        assert (await city.report(request))["discarded"] == {"duplicate": 1, "stray": 1, "wrong_address": 1, "late": 1}
        assert city.server.door.strays == 1


async def test_a_newer_request_supersedes_the_older_one_per_member() -> None:
    async with scenario() as city:
        members = await city.meters(3, "wire")
        await city.group(members)
        await city.group(members[:2], "part")
        city.wire.answers = False
        older = await city.start()
        await eventually(lambda: len(city.wire.deliveries) == 3)
        city.wire.answers = True
        city.wire.hears = lambda host, _: host != "Cm2"  # the older request is repeated, if the newer one takes long
        newer = await city.start("part")
        await city.finished(newer)
        states = {member: (row.state, row.reason) for member, row in (await city.rows(older)).items()}
        assert states == dict.fromkeys(members[:2], ("failed", "SUPERSEDED")) | {members[2]: ("waiting", "")}
        times = [delivery.request.originating_timestamp or "" for delivery in city.wire.deliveries]
        assert "" < times[0] < max(times), "the newer one is newer to devices, too"


async def test_cancelled_members_get_nothing_more() -> None:
    async with scenario() as city:
        await city.group(await city.meters(3, "wire"))
        city.wire.hears = lambda host, attempt: host == "Cm0"
        request = await city.start()
        await eventually(lambda: len(city.wire.deliveries) == 3)
        await city.server.fan_out.cancel((await city.report(request))["campaign"])
        result = await city.finished(request)
        assert result["rs"] == 1
        states = [(row.state, row.reason) for row in (await city.rows(request)).values()]
        assert states == [("answered", ""), ("failed", "CANCELLED"), ("failed", "CANCELLED")]
        assert len(city.wire.deliveries) == 3


async def test_nothing_is_sent_after_the_expiry_while_answers_are_still_collected() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        city.wire.answers = False
        request = await city.start(request_expiration="10000", result_expiration="60000")
        await eventually(lambda: city.wire.deliveries)
        await city.clock.advance(20)
        sent = len(city.wire.deliveries)
        await city.clock.advance(20)
        assert len(city.wire.deliveries) == sent
        city.wire.answer(city.wire.deliveries[0].request.request_identifier, "Cm0")
        assert (await city.finished(request))["rs"] == 1


async def test_totals_add_up_at_every_moment() -> None:
    async with scenario() as city:
        await city.group([*await city.meters(20, "air"), await city.meter("far", "pigeon://loft")])
        city.air.hears = lambda host, attempt: attempt > int(host[2:]) % 4
        request = await city.start(request_expiration="20000")

        async def over() -> bool:
            report = await city.report(request)
            assert sum(report["states"].values()) == report["members"] == 21
            return bool(report["state"] == "finished")

        await city.advance_until(over)
        report = await city.report(request)
        assert report["states"] == {"waiting": 0, "answered": 20, "failed": 0, "unreachable": 1}
        assert report["networks"]["air"]["repaired"] == 15


async def test_only_application_entities_take_device_requests() -> None:
    async with scenario() as city:
        await city.create("cse-in", 3, "cnt", rn="box")
        await city.group(["cse-in/box", *await city.meters(1, "wire")])
        assert items((await city.notify()).content) == {"cse-in/box": 4005, "cse-in/m0": 2000}


async def test_groups_that_cannot_be_asked() -> None:
    async with scenario() as city:
        await city.group([], "empty")
        await city.create("cse-in", 3, "cnt", rn="box")
        assert (await city.notify("empty")).status_code == 4109
        assert (await city.notify("nowhere")).status_code == 4004
        assert (await city.notify("box")).status_code == 4004
        assert (await city.notify("empty", request_expiration="20000101T000000")).status_code == 4008


async def test_networks_learn_who_is_in_a_group() -> None:
    async with scenario() as city:
        await city.meters(3, "air")
        await city.group(["cse-in/m0", "cse-in/m1"])
        await eventually(lambda: ["Cm0", "Cm1"] in city.air.prepared.values())
        await city.ask(Operation.UPDATE, "cse-in/city", content={"m2m:grp": {"mid": ["cse-in/m2"]}})
        await eventually(lambda: list(city.air.prepared.values()) == [["Cm2"]])
        await city.ask(Operation.DELETE, "cse-in/m2")
        await eventually(lambda: list(city.air.prepared.values()) == [[]])


async def test_a_plan_without_sending() -> None:
    async with scenario() as city:
        await city.group([*await city.meters(4, "air"), await city.meter("w", "wire://w")])
        request = await city.plan("cse-in/city")
        chosen = {signature["chosen"]["offer"]: signature["members"] for signature in request["signatures"]}
        assert chosen == {"air-broadcast": 4, "wire-unicast": 1}
        assert city.air.deliveries == city.wire.deliveries == []


async def test_new_answers_are_sent_to_the_originator_of_an_asynchronous_request() -> None:
    async with scenario() as city:
        await city.meter("head", "wire://head")
        await city.group(await city.meters(3, "air"))
        hears = {"Cm2": 3}
        city.air.hears = lambda host, attempt: attempt >= hears.get(host, 1)
        response: Response = await city.notify(
            response_type=ResponseType.NON_BLOCKING_ASYNCH, notification_uris=("cse-in/head",)
        )
        assert response.status_code == 1002
        await city.finished(response.content["m2m:uri"])
        await eventually(lambda: len(city.wire.deliveries) == 2)
        told = [items(delivery.request.content["m2m:rsp"]["pc"]) for delivery in city.wire.deliveries]
        assert told == [{"cse-in/m0": 2000, "cse-in/m1": 2000}, {"cse-in/m2": 2000}]


async def test_who_answers_by_notification_has_been_reached_by_the_network_that_asked() -> None:
    async with scenario() as city:
        await city.group(await city.meters(1, "wire"))
        city.wire.answers = False
        request = await city.start()
        await eventually(lambda: bool(city.wire.deliveries))
        identifier = city.wire.deliveries[0].request.request_identifier
        told = {"m2m:rsp": {"rsc": 2000, "rqi": identifier}}
        assert (await city.ask(Operation.NOTIFY, "cse-in", "Cm0", content=told)).status_code == 2000
        assert (await city.finished(request))["rs"] == 1
        assert (await city.rows(request))["cse-in/m0"].network == "wire"


async def test_nobody_waits_for_answers_to_a_broadcast_that_was_not_sent() -> None:
    async with scenario() as city:
        await city.group([await city.meter(f"b{i}", f"air://b{i}", f"wire://b{i}") for i in range(9)])
        city.air.latency(600)
        city.air.failure = DeliveryFailed("no bearer")
        request = await city.start()
        await city.clock.advance(60)
        assert {(row.state, row.network) for row in (await city.rows(request)).values()} == {("answered", "wire")}
