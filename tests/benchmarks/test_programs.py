"""The other programs run and print every line; what they measure is not judged."""

import pytest

from tests.benchmarks.running import missing

PHASES = ("registration", "group", "sessions", "campaign", "result")
SMALL = ("--members", "24", "--deaf", "0", "--loss", "0", "--gateways", "1", "--seconds", "60", "--pause", "0.5")
LINES_OF_CAMPAIGN = [
    *(rf"phase {phase} .* s, .* stood still for \d+ ms at most, memory \d+ MiB" for phase in PHASES),
    r"retrieve of a container meanwhile .*median [\d.]+ ms",
    r"reports .*added up",
    r"items of the result .*24 with 2000",
    r"states .*waiting 0, answered 24, failed 0, unreachable 0",
    r"live meters .*24 of 24 answered; the others: none",
    *(rf"network {name} .*members 12, answered 12, .*transmissions" for name in ("lora-broadcast", "udp-multicast")),
    r"memory .* MiB at most",
]

FIGURES = r"( +. [\d,.]+){7} +."
FIGURES_OF_PROCESSES = r"(. [\d,.]+ +){5}."
TINY_STORES = ("--instances", "200", "--containers", "10", "--entities", "100", "--large", "300")
TINY_MEASUREMENTS = ("--seconds", "0.2", "--repetitions", "1")
LINES_OF_STORES = [
    *(rf"{name}: start .* s, \d+ MiB" for name in ("empty", "full", "entities", "retention", "expiry", "removal")),
    *(rf"{name}: creations .*/s, .* times the reference" for name in ("empty", "full")),
    r"creations in the full store .* times those in the empty one",
    r"discovery by label, 10 hits .*median .* 99 % .*; the first one",
    r"creations with retention .*/s",
    r"2,000 a second offered, without HTTP .*/s carried out",
    r"these creations, with retention .*longest",
    r"expiry of 300 at once .*all gone",
    r"DELETE of 300 instances .*answered after",
    *(rf"{name}: create of an instance meanwhile .*longest" for name in ("retention", "expiry", "removal")),
]

pytestmark = pytest.mark.long


def test_a_small_campaign_is_accounted_for() -> None:
    assert missing(LINES_OF_CAMPAIGN, "benchmarks.mass", *SMALL) == []


def test_the_store_of_json_is_measured_at_each_size() -> None:
    command = "benchmarks.tinydb_store", "--sizes", "100,2000", "--seconds", "0.2"
    assert missing([r"creates/s", rf"(?m)^. 100 {FIGURES}$", rf"(?m)^. 2,000 {FIGURES}$"], *command) == []


def test_stores_are_filled_and_measured() -> None:
    assert missing(LINES_OF_STORES, "benchmarks.stores", *TINY_STORES, *TINY_MEASUREMENTS) == []


def test_one_process_and_two_are_compared() -> None:
    lines = [
        rf"(?m)^. {count} +. {connections} +{FIGURES_OF_PROCESSES}$" for count in (1, 2) for connections in (16, 48)
    ]
    assert missing(lines, "benchmarks.processes", "--processes", "2", "--creates", "60", "--repetitions", "1") == []
