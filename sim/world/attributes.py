"""ModifyInstanceAttribute, of which this world knows one: the type of a stopped instance."""

from typing import Any

from sim.world.asking import Operation, Params, need
from sim.world.data import load_offerings, load_types
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.instances import find_instance
from sim.world.things import Instance, Region


def _modify(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    instance = find_instance(region, need(params, "InstanceId"))
    name = need(params.get("InstanceType") or {}, "Value")
    if name not in load_types() or name not in load_offerings(region.name):
        raise AwsError("InvalidInstanceAttributeValue", f"Invalid value '{name}' for InstanceType.")
    if instance.state != "stopped":
        raise AwsError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in the 'stopped' state.",
        )
    _check_architecture(instance, name)
    instance.instance_type = name
    instance.vcpus = int(load_types()[name]["VCpuInfo"]["DefaultVCpus"])
    return {}


def _check_architecture(instance: Instance, name: str) -> None:
    able = load_types()[name]["ProcessorInfo"]["SupportedArchitectures"]
    if instance.architecture not in able:
        raise AwsError(
            "InvalidParameterValue",
            f"The architecture '{','.join(able)}' of the specified instance type does not match "
            f"the architecture '{instance.architecture}' of the instance.",
        )


OPERATIONS = (
    Operation(
        name="ModifyInstanceAttribute",
        takes={"InstanceId": None, "InstanceType": {"Value": None}},
        run=_modify,
    ),
)
