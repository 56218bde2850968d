"""What an application does with the package `onem2m`: BASE-URL NOTIFICATION-URL. Prints what it got.

`sendSensingReport` is left out: it writes contentInfo as an attribute `cnt`, which a contentInstance does not have.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import requests
from onem2m import AE
from onem2m.Constant import CONST

NAME = "Sthermometer"
SENSOR = {CONST.ADN.ID: NAME, CONST.SENSOR.ID: "degrees", CONST.SENSOR.NAME: "Temperature", CONST.SENSOR.HISTORY: 11}


def main(url: str, inbox: str) -> dict[str, Any]:
    settings = {"base_url": f"{url}/~/id-in/cse-in", "base_origin": "CAdmin"}
    lines = [
        "[DEFAULT]",
        *(f"oneM2M_scl_{name}={value}" for name, value in settings.items()),
        f"oneM2M_poa_url={inbox}",
    ]
    Path("oneM2M.conf").write_text("\n".join(lines))
    client = AE.ClientLib()
    question = {CONST.CHECK.URI: NAME, CONST.ADN.ID: NAME}
    found = {
        "free": client.checkDuplicated(question),
        "registered": client.createADN({CONST.ADN.ID: NAME, CONST.ADN.NAME: "thermometer"}),
        "taken": client.checkDuplicated(question),
        "container": client.registrySensor(SENSOR),
        "updated": client.updateSensor(SENSOR | {CONST.SENSOR.HISTORY: 12}),
        "instances": [report(settings["base_url"], value) for value in (21, 22)],
        "last": client.getLastValue({CONST.ADN.ID: NAME, CONST.ID: "degrees"}),
        "values": client.getValues({CONST.ADN.ID: NAME, CONST.ID: "degrees"}),
        "device": client.getDevice(question),
        "applications": client.getADNAll(),
    }
    return found | {"deleted": client.deleteSensor(SENSOR)}


def report(base: str, value: int) -> int:
    """One reading in the form that the package reads."""
    encoded = base64.b64encode(json.dumps({"value": value}).encode()).decode()
    headers = {"X-M2M-Origin": NAME, "content-type": "application/json;ty=4"}
    body = {"m2m:cin": {"cnf": "application/json:1", "con": encoded}}
    return requests.post(f"{base}/{NAME}/degrees", headers=headers, json=body, timeout=10).status_code


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
