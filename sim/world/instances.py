"""Finding, watching, starting, stopping and terminating instances; and spot requests."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sim.world import quotas
from sim.world.asking import (
    FILTERS,
    PAGES,
    Getter,
    Operation,
    Params,
    matching,
    need,
    page,
    tag_list,
)
from sim.world.capacity import left, refuse_without_quota, take, without_capacity
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.life import USER, boot, end, halt
from sim.world.show import reservations, state_of
from sim.world.things import Instance, Region, SpotRequest


def find_instance(region: Region, one: str) -> Instance:
    """The instance, or EC2's InvalidInstanceID.NotFound."""
    if not one.startswith("i-"):
        raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{one}"')
    if one not in region.instances:
        raise AwsError("InvalidInstanceID.NotFound", f"The instance ID '{one}' does not exist")
    return region.instances[one]


def shown(ground: Ground, region: Region) -> dict[str, Instance]:
    """What Describe* knows: not the newest yet, and the terminated for a while."""
    kept = timedelta(seconds=ground.settings.terminated_visible)
    return {
        i.id: i
        for i in region.instances.values()
        if i.visible_at <= ground.time and (i.ended_at is None or ground.time - i.ended_at <= kept)
    }


def _chosen(ground: Ground, region: Region, params: Params) -> list[Instance]:
    known, ids = shown(ground, region), params.get("InstanceIds")
    if not ids:
        return list(known.values())
    if params.get("MaxResults"):
        raise AwsError(
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        )
    for one in ids:
        if not one.startswith("i-"):
            raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{one}"')
    missing = [one for one in ids if one not in known]
    if missing:
        words = f"ID '{missing[0]}' does" if len(missing) == 1 else f"IDs '{', '.join(missing)}' do"
        raise AwsError("InvalidInstanceID.NotFound", f"The instance {words} not exist")
    return [known[one] for one in dict.fromkeys(ids)]


# ---- looking ------------------------------------------------------------------------------------


def _filters(region: Region) -> dict[str, Getter]:
    def groups(i: Instance) -> list[str]:
        face = region.interfaces.get(i.interface or "")
        return face.groups if face else []

    return {
        "instance-id": lambda i: i.id,
        "instance-state-name": lambda i: i.state,
        "instance-state-code": lambda i: str(state_of(i.state)["Code"]),
        "instance-type": lambda i: i.instance_type,
        "instance-lifecycle": lambda i: "spot" if i.market == "spot" else None,
        "instance.group-id": groups,
        "network-interface.group-id": groups,
        "client-token": lambda i: i.token,
        "reservation-id": lambda i: i.reservation,
        "availability-zone": lambda i: i.zone,
        "image-id": lambda i: i.image,
        "key-name": lambda i: i.key,
        "subnet-id": lambda i: i.subnet if i.alive else None,
        "vpc-id": lambda i: i.vpc if i.alive else None,
        "spot-instance-request-id": lambda i: i.spot_request,
        "tag": lambda i: i.tags,
    }


def _describe(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    chosen = _chosen(ground, region, params)
    found = matching("DescribeInstances", chosen, params, _filters(region))
    result, more = page(found, params, least=5, most=1000)
    return {"Reservations": reservations(ground, region, result), **more}


def _status(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Running instances only, unless the call wants them all."""
    every = bool(params.get("IncludeAllInstances"))
    chosen = [i for i in _chosen(ground, region, params) if every or i.state == "running"]
    getters: dict[str, Getter] = {
        "instance-state-name": lambda i: i.state,
        "availability-zone": lambda i: i.zone,
        "instance-status.status": lambda i: _health(ground, i),
        "system-status.status": lambda i: _health(ground, i),
    }
    found = matching("DescribeInstanceStatus", chosen, params, getters)
    result, more = page(found, params, least=5, most=1000)
    return {"InstanceStatuses": [_status_shape(ground, i) for i in result], **more}


def _health(ground: Ground, instance: Instance) -> str:
    if instance.running_since is None:
        return "not-applicable"
    passed = ground.time - instance.running_since >= timedelta(seconds=ground.settings.checks)
    return "ok" if passed else "initializing"


def _status_shape(ground: Ground, instance: Instance) -> dict[str, Any]:
    health = _health(ground, instance)
    check: dict[str, Any] = {"Status": health}
    if health != "not-applicable":
        reach = "passed" if health == "ok" else "initializing"
        check["Details"] = [{"Name": "reachability", "Status": reach}]
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.zone,
        "InstanceState": state_of(instance.state),
        "InstanceStatus": check,
        "SystemStatus": check,
    }


# ---- commanding ---------------------------------------------------------------------------------

_Command = Callable[[Ground, Region, Instance], None]


def _command(
    ground: Ground, region: Region, params: Params, key: str, run: _Command, check: _Command
) -> dict[str, Any]:
    """All of them or, when one is not to be had, none."""
    ids = list(dict.fromkeys(need(params, "InstanceIds")))
    instances = [find_instance(region, one) for one in ids]
    for instance in instances:
        if instance.ended_at and instance.id not in shown(ground, region):
            raise AwsError(
                "InvalidInstanceID.NotFound", f"The instance ID '{instance.id}' does not exist"
            )
        check(ground, region, instance)
    changes = []
    for instance in instances:
        before = instance.state
        run(ground, region, instance)
        changes.append(
            {
                "InstanceId": instance.id,
                "PreviousState": state_of(before),
                "CurrentState": state_of(instance.state),
            }
        )
    return {key: changes}


def _terminate(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    def run(ground: Ground, region: Region, instance: Instance) -> None:
        if instance.state not in ("shutting-down", "terminated"):
            end(ground, region, instance, USER)

    return _command(ground, region, params, "TerminatingInstances", run, lambda *_: None)


def _stop(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    if params.get("Hibernate"):
        raise AwsError("UnsupportedHibernationConfiguration", "No instance here can hibernate.")

    def run(ground: Ground, region: Region, instance: Instance) -> None:
        if instance.state == "running":
            halt(ground, region, instance, USER)

    return _command(ground, region, params, "StoppingInstances", run, _may_stop)


def _may_stop(_: Ground, __: Region, instance: Instance) -> None:
    if instance.market == "spot" and instance.alive:
        raise AwsError(
            "UnsupportedOperation",
            f"You can't stop the Spot Instance '{instance.id}' because it is associated with a "
            "one-time Spot Instance request. You can only stop Spot Instances associated with "
            "persistent Spot Instance requests.",
        )
    if instance.state not in ("running", "stopping", "stopped"):
        raise AwsError(
            "IncorrectInstanceState",
            f"This instance '{instance.id}' is not in a state from which it can be stopped.",
        )


def _start(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    _need_room(region, params)

    def run(ground: Ground, region: Region, instance: Instance) -> None:
        if instance.state == "stopped":
            take(region, instance.zone, instance.instance_type, instance.market, 1)
            _wake(ground, region, instance)

    return _command(ground, region, params, "StartingInstances", run, _may_start)


def _need_room(region: Region, params: Params) -> None:
    """A stopped machine has no claim: quota and capacity are asked again, for all of them."""
    known = [
        region.instances[one] for one in params.get("InstanceIds") or () if one in region.instances
    ]
    stopped = [i for i in known if i.state == "stopped"]
    for (name, market), count in Counter((i.instance_type, i.market) for i in stopped).items():
        vcpus = next(i.vcpus for i in stopped if i.instance_type == name)
        if quotas.room(region, name, market) < count * vcpus:
            raise refuse_without_quota(region, name, market)
    places = Counter((i.zone, i.instance_type, i.market) for i in stopped)
    for (zone, name, market), count in places.items():
        if left(region, zone, name, market) < count:
            raise without_capacity(name, market, zone, [])


def _may_start(_: Ground, __: Region, instance: Instance) -> None:
    if instance.state not in ("stopped", "pending", "running"):
        raise AwsError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in a state from which it can be started.",
        )


def _wake(ground: Ground, region: Region, instance: Instance) -> None:
    instance.launched_at = ground.time
    face = region.interfaces.get(instance.interface or "")
    if face and face.wants_public_ip:
        face.public_ip = ground.public_ip()
    boot(ground, region, instance)


# ---- spot requests ------------------------------------------------------------------------------


def _spot_requests(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    wanted = params.get("SpotInstanceRequestIds")
    known = [r for r in region.spot_requests.values() if r.visible_at <= ground.time]
    for one in wanted or ():
        if one not in {r.id for r in known}:
            raise AwsError(
                "InvalidSpotInstanceRequestID.NotFound",
                f"The spot instance request ID '{one}' does not exist",
            )
    found = matching(
        "DescribeSpotInstanceRequests",
        [r for r in known if not wanted or r.id in wanted],
        params,
        {
            "spot-instance-request-id": lambda r: r.id,
            "state": lambda r: r.state,
            "status-code": lambda r: r.status,
            "instance-id": lambda r: r.instance,
            "tag": lambda r: r.tags,
        },
    )
    result, more = page(found, params, least=5, most=1000)
    return {"SpotInstanceRequests": [_spot_shape(request) for request in result], **more}


def _cancel_spot(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Cancelling ends no instance; one that is closed already stays so."""
    chosen = need(params, "SpotInstanceRequestIds")
    for one in chosen:
        if one not in region.spot_requests:
            raise AwsError(
                "InvalidSpotInstanceRequestID.NotFound",
                f"The spot instance request ID '{one}' does not exist",
            )
    for request in (region.spot_requests[one] for one in chosen):
        if request.state in ("open", "active"):
            request.state, request.updated = "cancelled", ground.time
            request.status = "request-canceled-and-instance-running"
    return {
        "CancelledSpotInstanceRequests": [
            {"SpotInstanceRequestId": one, "State": region.spot_requests[one].state}
            for one in chosen
        ]
    }


def _spot_shape(request: SpotRequest) -> dict[str, Any]:
    return {
        "SpotInstanceRequestId": request.id,
        "InstanceId": request.instance,
        "State": request.state,
        "Status": {
            "Code": request.status,
            "Message": request.status_message,
            "UpdateTime": request.updated,
        },
        "Type": "one-time",
        "InstanceInterruptionBehavior": "terminate",
        "LaunchedAvailabilityZone": request.zone,
        "ProductDescription": "Linux/UNIX",
        "SpotPrice": request.max_price,
        "CreateTime": request.created,
        "LaunchSpecification": {
            "ImageId": request.image,
            "InstanceType": request.instance_type,
            "Placement": {"AvailabilityZone": request.zone},
        },
        "Tags": tag_list(request.tags),
    }


OPERATIONS = (
    Operation(
        name="DescribeInstances", takes={**FILTERS, **PAGES, "InstanceIds": None}, run=_describe
    ),
    Operation(
        name="DescribeInstanceStatus",
        takes={**FILTERS, **PAGES, "InstanceIds": None, "IncludeAllInstances": None},
        run=_status,
    ),
    Operation(name="TerminateInstances", takes={"InstanceIds": None}, run=_terminate),
    Operation(
        name="StopInstances",
        takes={"InstanceIds": None, "Force": None, "Hibernate": None},
        run=_stop,
    ),
    Operation(name="StartInstances", takes={"InstanceIds": None}, run=_start),
    Operation(
        name="DescribeSpotInstanceRequests",
        takes={**FILTERS, **PAGES, "SpotInstanceRequestIds": None},
        run=_spot_requests,
    ),
    Operation(
        name="CancelSpotInstanceRequests",
        takes={"SpotInstanceRequestIds": None},
        run=_cancel_spot,
    ),
)
