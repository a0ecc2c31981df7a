"""GetConsoleOutput: what a machine prints while it boots, the marks of its SSH host keys among it.

A machine has its host keys from its first boot on; they hang on the instance's id, as cloud-init
makes them anew for every new one.
"""

import base64
import hashlib
from datetime import timedelta
from typing import Any

from sim.world.asking import Operation, Params, need
from sim.world.data import load_types
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.instances import find_instance, shown
from sim.world.things import Instance, Region

_BITS = {"ECDSA": 256, "ED25519": 256, "RSA": 3072}


def host_key(instance: str, kind: str) -> str:
    """`SHA256:…` of one of its host keys."""
    digest = hashlib.sha256(f"{instance} {kind}".encode()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _console(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    instance = find_instance(region, need(params, "InstanceId"))
    if instance.id not in shown(ground, region):
        raise AwsError(
            "InvalidInstanceID.NotFound", f"The instance ID '{instance.id}' does not exist"
        )
    if params.get("Latest") and load_types()[instance.instance_type].get("Hypervisor") == "xen":
        raise AwsError(
            "UnsupportedOperation",
            "This instance type does not support retrieving the latest console logs.",
        )
    answer: dict[str, Any] = {"InstanceId": instance.id, "Timestamp": ground.time}
    printed = _printed(ground, instance)
    return {**answer, "Output": base64.b64encode(printed.encode()).decode()} if printed else answer


def _printed(ground: Ground, instance: Instance) -> str:
    since = instance.running_since
    if since is None or ground.time - since < timedelta(seconds=ground.settings.console):
        return ""
    head = f"<14>{since:%b %d %H:%M:%S} cloud-init: "
    keys = [
        f"{bits} {host_key(instance.id, kind)} root@ip-172-31-0-1 ({kind})"
        for kind, bits in _BITS.items()
    ]
    lines = (
        "[    0.000000] Linux version 6.8.0-1040-aws",
        f"{head}#############################################################",
        f"{head}-----BEGIN SSH HOST KEY FINGERPRINTS-----",
        *(head + key for key in keys),
        f"{head}-----END SSH HOST KEY FINGERPRINTS-----",
        f"{head}#############################################################",
        "[   14.202531] cloud-init[1210]: Cloud-init v. 24.4 finished",
    )
    return "\r\n".join(lines) + "\r\n"


OPERATIONS = (
    Operation(name="GetConsoleOutput", takes={"InstanceId": None, "Latest": None}, run=_console),
)
