"""What an application does with the package `om2m-client`: BASE-URL NOTIFICATION-URL json|xml. Prints what it got."""

import json
import sys
from typing import Any

from om2m_client import AE, Container, ContentInstance, OM2MClient, Subscription

SENSOR = "id-in/cse-in/sensor"
READINGS = [{"temperature": 21}, {"temperature": 22}]


def main(url: str, inbox: str, serialization: str) -> dict[str, Any]:
    client = OM2MClient(url, "id-in", "cse-in", "admin", "secret", use_json=serialization == "json")
    locations = [
        client.create_ae(AE(rn="sensor", api="sensor-api", rr=True, lbl=["python", "test"])),
        client.create_container(SENSOR, Container(rn="DATA")),
        *(
            client.create_content_instance(f"{SENSOR}/DATA", ContentInstance("application/json", json.dumps(reading)))
            for reading in READINGS
        ),
        client.create_subscription(f"{SENSOR}/DATA", Subscription(rn="watch", nu=inbox)),
    ]
    client.use_json = True  # what it retrieves, the package reads as JSON only
    return {
        "locations": locations,
        "latest": client.retrieve_latest_data("sensor"),
        "devices": client.get_all_devices_latest_data(),
        "all": client.retrieve_all_content_instances_minimal("sensor"),
    }


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
