"""EBS volumes by themselves: made, attached, detached, grown, deleted, described."""

from datetime import timedelta
from typing import Any

from sim.world.asking import (
    FILTERS,
    PAGES,
    TAG_SPECIFICATIONS,
    Operation,
    Params,
    matching,
    need,
    page,
    tag_list,
    tags_for,
)
from sim.world.disks import check_room, check_size, check_speed
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.instances import find_instance
from sim.world.snapshots import find_snapshot
from sim.world.things import Instance, Modification, Region, Snapshot, Volume

MOST_CHANGES = 4  # ModifyVolume of one volume in a rolling day
_DAY = timedelta(days=1)


def find_volume(region: Region, one: str) -> Volume:
    """The volume, or EC2's refusal."""
    if not one.startswith("vol-"):
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({one}) for parameter volumeId is invalid. Expected: 'vol-...'.",
        )
    if one not in region.volumes:
        raise AwsError("InvalidVolume.NotFound", f"The volume '{one}' does not exist.")
    return region.volumes[one]


# ---- made and deleted ---------------------------------------------------------------------------


def _create(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    request = {k: v for k, v in params.items() if k != "ClientToken"}
    token = params.get("ClientToken")
    known = region.volume_tokens.get(token) if token else None
    if known and known[1] in region.volumes:
        if known[0] != request:
            raise AwsError(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in "
                "previous request(s).",
            )
        return _shape(ground, region.volumes[known[1]])
    made = _made(ground, region, params)
    if token:
        region.volume_tokens[token] = (request, made.id)
    return _shape(ground, made)


def _made(ground: Ground, region: Region, params: Params) -> Volume:
    zone = need(params, "AvailabilityZone")
    if zone not in dict(region.zones):
        raise AwsError("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")
    snapshot = _source(region, params)
    size = int(params.get("Size") or (snapshot.size if snapshot else 0))
    kind = str(params.get("VolumeType") or "gp2")
    iops, throughput = params.get("Iops"), params.get("Throughput")
    least = snapshot.size if snapshot else None
    check_size("/dev/sdf", size, kind, snapshot.id if snapshot else "", least)
    check_speed(kind, iops, throughput, size)
    check_room(region, size)
    one = ground.new_id("vol")
    volume = Volume(
        id=one,
        zone=zone,
        size=size,
        kind=kind,
        encrypted=bool(params.get("Encrypted")) or bool(snapshot and snapshot.encrypted),
        iops=int(iops) if iops else (3000 if kind == "gp3" else None),
        throughput=int(throughput) if throughput else (125 if kind == "gp3" else None),
        snapshot=snapshot.id if snapshot else "",
        created=ground.time,
        visible_at=ground.time + timedelta(seconds=ground.settings.visible_after),
        instance=None,
        device="",
        dies_with=False,
        tags=tags_for(params, "volume", ("volume",)),
        phase="creating",
        content=snapshot.content if snapshot else one,
    )
    region.volumes[one] = volume

    def arrive() -> None:
        if volume.phase == "creating":
            volume.phase = ""

    ground.later(ground.settings.volume, arrive)
    return volume


def _source(region: Region, params: Params) -> Snapshot | None:
    if not params.get("SnapshotId"):
        if not params.get("Size"):
            raise AwsError(
                "MissingParameter", "The request must contain the parameter size/snapshotId"
            )
        return None
    snapshot = find_snapshot(region, params["SnapshotId"])
    if snapshot.state != "completed":
        raise AwsError("IncorrectState", f"Snapshot '{snapshot.id}' is '{snapshot.state}'.")
    return snapshot


def _delete(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    volume = find_volume(region, need(params, "VolumeId"))
    if volume.instance:
        raise AwsError(
            "VolumeInUse", f"Volume {volume.id} is currently attached to {volume.instance}"
        )
    if volume.phase == "creating":
        raise AwsError("IncorrectState", f"The volume '{volume.id}' is in the 'creating' state.")
    del region.volumes[volume.id]
    return {}


# ---- attached and detached ----------------------------------------------------------------------


def _attach(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    volume = find_volume(region, need(params, "VolumeId"))
    instance = find_instance(region, need(params, "InstanceId"))
    device = need(params, "Device")
    _may_attach(region, volume, instance, device)
    volume.instance, volume.device, volume.link = instance.id, device, "attaching"
    volume.dies_with = False
    instance.volumes.append(volume.id)

    def arrive() -> None:
        if volume.instance == instance.id and volume.link == "attaching":
            volume.link = "attached"

    ground.later(ground.settings.attach, arrive)
    return _attachment(volume)


def _may_attach(region: Region, volume: Volume, instance: Instance, device: str) -> None:
    if volume.instance:
        raise AwsError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volume.phase:
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is '{volume.phase}'.")
    if instance.state not in ("running", "stopped"):
        raise AwsError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if volume.zone != instance.zone:
        raise AwsError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance "
            f"'{instance.id}'",
        )
    if device in {region.volumes[one].device for one in instance.volumes}:
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use",
        )


def _detach(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    volume = find_volume(region, need(params, "VolumeId"))
    if not volume.instance or volume.link == "detaching":
        state = "detaching" if volume.instance else "available"
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is in the '{state}' state.")
    instance = region.instances[volume.instance]
    if params.get("InstanceId") not in (None, instance.id):
        raise AwsError(
            "InvalidAttachment.NotFound",
            f"The volume '{volume.id}' is not attached to instance '{params['InstanceId']}'",
        )
    if volume.device == instance.root_device and instance.state != "stopped":
        raise AwsError(
            "OperationNotPermitted",
            f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'",
        )
    volume.link = "detaching"
    answer = _attachment(volume)

    def leave() -> None:
        if volume.instance == instance.id and volume.link == "detaching":
            instance.volumes.remove(volume.id)
            volume.instance, volume.device, volume.link = None, "", "attached"

    ground.later(ground.settings.attach, leave)
    return answer


# ---- grown --------------------------------------------------------------------------------------


def _modify(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """The size only: that is all that is asked for here."""
    volume = find_volume(region, need(params, "VolumeId"))
    size = int(params.get("Size") or volume.size)
    if size < volume.size:
        raise AwsError(
            "InvalidParameterValue", "New size cannot be smaller than existing size", status=400
        )
    if volume.phase:
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is '{volume.phase}'.")
    if volume.changes and volume.changes[-1].state in ("modifying", "optimizing"):
        raise AwsError(
            "IncorrectModificationState",
            f"Cannot modify volume {volume.id} in {volume.changes[-1].state} state",
        )
    if sum(ground.time - change.began < _DAY for change in volume.changes) >= MOST_CHANGES:
        raise AwsError(
            "VolumeModificationRateExceeded",
            "You've reached the maximum modification rate per volume limit.",
        )
    check_size("", size, volume.kind, "", None)
    change = Modification(state="modifying", began=ground.time, before=volume.size, after=size)
    volume.changes.append(change)

    def grown() -> None:
        change.state, volume.size = "optimizing", size
        ground.books.volume(region.name, ground.time, volume)
        ground.later(ground.settings.modify, done)

    def done() -> None:
        change.state = "completed"

    ground.later(ground.settings.modify, grown)
    return {"VolumeModification": _change(volume, change)}


def _modifications(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    wanted = params.get("VolumeIds")
    chosen = [find_volume(region, one) for one in wanted or ()] or list(region.volumes.values())
    found = matching(
        "DescribeVolumesModifications",
        [(v, v.changes[-1]) for v in chosen if v.changes],
        params,
        {
            "volume-id": lambda pair: pair[0].id,
            "modification-state": lambda pair: pair[1].state,
        },
    )
    shown, more = page(found, params, most=500)
    return {"VolumesModifications": [_change(*pair) for pair in shown], **more}


def _change(volume: Volume, change: Modification) -> dict[str, Any]:
    return {
        "VolumeId": volume.id,
        "ModificationState": change.state,
        "OriginalSize": change.before,
        "TargetSize": change.after,
        "Progress": 100 if change.state == "completed" else 0,
        "StartTime": change.began,
    }


# ---- described ----------------------------------------------------------------------------------


def _describe(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    wanted = params.get("VolumeIds")
    shown = [v for v in region.volumes.values() if v.visible_at <= ground.time]
    for one in wanted or ():
        if one not in {v.id for v in shown}:
            raise AwsError("InvalidVolume.NotFound", f"The volume '{one}' does not exist.")
    found = matching(
        "DescribeVolumes",
        [v for v in shown if not wanted or v.id in wanted],
        params,
        {
            "volume-id": lambda v: v.id,
            "status": lambda v: v.state,
            "availability-zone": lambda v: v.zone,
            "attachment.instance-id": lambda v: v.instance,
            "attachment.device": lambda v: v.device if v.instance else None,
            "attachment.status": lambda v: v.link if v.instance else None,
            "snapshot-id": lambda v: v.snapshot,
            "volume-type": lambda v: v.kind,
            "encrypted": lambda v: str(v.encrypted).lower(),
            "tag": lambda v: v.tags,
        },
    )
    result, more = page(found, params, least=5, most=1000)
    return {"Volumes": [_shape(ground, volume) for volume in result], **more}


def _shape(_: Ground, volume: Volume) -> dict[str, Any]:
    shape = {
        "VolumeId": volume.id,
        "Size": volume.size,
        "VolumeType": volume.kind,
        "State": volume.state,
        "AvailabilityZone": volume.zone,
        "Encrypted": volume.encrypted,
        "SnapshotId": volume.snapshot,
        "CreateTime": volume.created,
        "MultiAttachEnabled": False,
        "Iops": volume.iops,
        "Throughput": volume.throughput,
        "Attachments": [_attachment(volume)] if volume.instance else [],
        "Tags": tag_list(volume.tags),
    }
    return {key: value for key, value in shape.items() if value is not None}


def _attachment(volume: Volume) -> dict[str, Any]:
    return {
        "VolumeId": volume.id,
        "InstanceId": volume.instance,
        "Device": volume.device,
        "State": volume.link,
        "DeleteOnTermination": volume.dies_with,
        "AttachTime": volume.created,
    }


def _default_key(_: Ground, region: Region, __: Params) -> dict[str, Any]:
    return {"KmsKeyId": region.disk_key}


_WHICH = {"VolumeId": None}
_WHERE = {"InstanceId": None, "Device": None}
OPERATIONS = (
    Operation(
        name="CreateVolume",
        takes={
            **dict.fromkeys(
                (
                    "AvailabilityZone",
                    "Size",
                    "SnapshotId",
                    "VolumeType",
                    "Iops",
                    "Throughput",
                    "Encrypted",
                    "ClientToken",
                )
            ),
            **TAG_SPECIFICATIONS,
        },
        run=_create,
    ),
    Operation(name="GetEbsDefaultKmsKeyId", takes={}, run=_default_key),
    Operation(name="DeleteVolume", takes=_WHICH, run=_delete),
    Operation(name="AttachVolume", takes={**_WHICH, **_WHERE}, run=_attach),
    Operation(name="DetachVolume", takes={**_WHICH, **_WHERE, "Force": None}, run=_detach),
    Operation(name="ModifyVolume", takes={**_WHICH, "Size": None}, run=_modify),
    Operation(name="DescribeVolumes", takes={**FILTERS, **PAGES, "VolumeIds": None}, run=_describe),
    Operation(
        name="DescribeVolumesModifications",
        takes={**FILTERS, **PAGES, "VolumeIds": None},
        run=_modifications,
    ),
)
