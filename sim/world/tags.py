"""CreateTags, DeleteTags and DescribeTags, on everything that carries tags."""

from collections.abc import Iterator
from typing import Any

from sim.world.asking import FILTERS, PAGES, Operation, Params, matching, need, page, read_tags
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.life import set_timer
from sim.world.rules import tags_of_rule
from sim.world.things import Region, Tags

_KINDS = {
    "i": ("instance", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    "vol": ("volume", "InvalidVolume.NotFound", "The volume '{}' does not exist."),
    "snap": ("snapshot", "InvalidSnapshot.NotFound", "The snapshot '{}' does not exist."),
    "ami": ("image", "InvalidAMIID.NotFound", "The image id '[{}]' does not exist"),
    "eni": (
        "network-interface",
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID '{}' does not exist",
    ),
    "sg": ("security-group", "InvalidGroup.NotFound", "The security group '{}' does not exist"),
    "key": ("key-pair", "InvalidKeyPair.NotFound", "The key pair ID '{}' does not exist"),
    "sir": (
        "spot-instances-request",
        "InvalidSpotInstanceRequestID.NotFound",
        "The spot instance request ID '{}' does not exist",
    ),
}


def _every(region: Region) -> Iterator[tuple[str, Tags]]:
    for instance in region.instances.values():
        yield instance.id, instance.tags
    for volume in region.volumes.values():
        yield volume.id, volume.tags
    for snapshot in region.snapshots.values():
        yield snapshot.id, snapshot.tags
    for image in region.own_images.values():
        yield image.ami, image.tags
    for face in region.interfaces.values():
        yield face.id, face.tags
    for group in region.groups.values():
        yield group.id, group.tags
    for key in region.keys.values():
        yield key.id, key.tags
    for request in region.spot_requests.values():
        yield request.id, request.tags
    for subnet in region.subnets.values():
        yield subnet.id, subnet.tags
    yield region.vpc, region.vpc_tags


def _kind(one: str) -> str:
    prefix = one.split("-", 1)[0]
    return _KINDS[prefix][0] if prefix in _KINDS else prefix


def _found(region: Region, ids: list[str]) -> list[Tags]:
    every = dict(_every(region))
    found = []
    for one in ids:
        tags = tags_of_rule(region, one) if one.startswith("sgr-") else every.get(one)
        if tags is None:
            prefix = one.split("-", 1)[0]
            if prefix not in _KINDS:
                raise AwsError("InvalidID", f"The ID '{one}' is not valid")
            _, code, words = _KINDS[prefix]
            raise AwsError(code, words.format(one))
        found.append(tags)
    return found


def _create(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    tags = read_tags(need(params, "Tags"))
    for there in _found(region, need(params, "Resources")):
        if len({*there, *tags}) > 50:
            raise AwsError(
                "TagLimitExceeded", "The maximum number of Tags for a resource has been reached."
            )
        there.update(tags)
    return _noticed(ground, region, params)


def _delete(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Without a value the key goes whatever its value; without tags they all go."""
    for there in _found(region, need(params, "Resources")):
        if not params.get("Tags"):
            there.clear()
        for tag in params.get("Tags") or ():
            if tag.get("Value") in (None, there.get(tag["Key"])):
                there.pop(tag["Key"], None)
    return _noticed(ground, region, params)


def _noticed(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Machines read their own tags."""
    for one in params["Resources"]:
        if one in region.instances:
            set_timer(ground, region, region.instances[one])
    return {}


def _describe(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    rows = [(one, key, value) for one, tags in _every(region) for key, value in tags.items()]
    found = matching(
        "DescribeTags",
        rows,
        params,
        {
            "resource-id": lambda row: row[0],
            "resource-type": lambda row: _kind(row[0]),
            "key": lambda row: row[1],
            "value": lambda row: row[2],
        },
    )
    shown, more = page(found, params, least=5, most=1000)
    return {
        "Tags": [
            {"ResourceId": one, "ResourceType": _kind(one), "Key": key, "Value": value}
            for one, key, value in shown
        ],
        **more,
    }


_TAGS = {"Resources": None, "Tags": [{"Key": None, "Value": None}]}
OPERATIONS = (
    Operation(name="CreateTags", takes=_TAGS, run=_create),
    Operation(name="DeleteTags", takes=_TAGS, run=_delete),
    Operation(name="DescribeTags", takes={**FILTERS, **PAGES}, run=_describe),
)
