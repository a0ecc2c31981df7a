"""EBS snapshots: copies of volumes that are pending for a while, and who still needs them."""

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
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Region, Snapshot, Tags, Volume

SECONDS_BETWEEN = 15  # two snapshots of one volume


def find_snapshot(region: Region, one: str) -> Snapshot:
    """The snapshot of this account, or EC2's refusal."""
    if not one.startswith("snap-"):
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({one}) for parameter snapshotId is invalid. Expected: 'snap-...'.",
        )
    if one not in region.snapshots:
        raise AwsError("InvalidSnapshot.NotFound", f"The snapshot '{one}' does not exist.")
    return region.snapshots[one]


def take_snapshot(
    ground: Ground, region: Region, volume: Volume, tags: Tags, description: str = ""
) -> Snapshot:
    """A new snapshot of the volume, pending until the world's `snapshot` seconds have passed."""
    return _begin(
        ground,
        region,
        volume=volume.id,
        size=volume.size,
        encrypted=volume.encrypted,
        content=volume.content,
        description=description,
        tags=tags,
    )


def _begin(ground: Ground, region: Region, **words: Any) -> Snapshot:
    new = Snapshot(
        id=ground.new_id("snap"), began=ground.time, takes=ground.settings.snapshot, **words
    )
    region.snapshots[new.id] = new

    def complete() -> None:
        if new.state == "pending":
            new.state = "completed"

    ground.later(new.takes, complete)
    return new


def _create(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    one = need(params, "VolumeId")
    if one not in region.volumes:
        raise AwsError("InvalidVolume.NotFound", f"The volume '{one}' does not exist.")
    volume = region.volumes[one]
    if volume.state not in ("available", "in-use"):
        raise AwsError("IncorrectState", f"Volume '{one}' is '{volume.state}'.")
    if any(
        s.volume == one and (ground.time - s.began).total_seconds() < SECONDS_BETWEEN
        for s in region.snapshots.values()
    ):
        raise AwsError(
            "SnapshotCreationPerVolumeRateExceeded",
            "The maximum per volume CreateSnapshot request rate has been exceeded. Use an "
            "increasing or variable sleep interval between requests.",
        )
    tags = tags_for(params, "snapshot", ("snapshot",))
    made = take_snapshot(ground, region, volume, tags, str(params.get("Description") or ""))
    return _shape(ground, made)


def _copy(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Into the region that is called; the source must be complete."""
    home = ground.regions.get(need(params, "SourceRegion"))
    if home is None:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({params['SourceRegion']}) for parameter sourceRegion is invalid.",
        )
    source = find_snapshot(home, need(params, "SourceSnapshotId"))
    if source.state != "completed":
        raise AwsError("IncorrectState", f"Snapshot '{source.id}' is '{source.state}'.")
    made = _begin(
        ground,
        region,
        volume="vol-ffffffff",  # what EC2 says of a copy
        size=source.size,
        encrypted=source.encrypted or bool(params.get("Encrypted")),
        content=source.content,
        description=str(params.get("Description") or ""),
        tags=tags_for(params, "snapshot", ("snapshot",)),
    )
    return {"SnapshotId": made.id, "Tags": tag_list(made.tags)}


def _describe(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Only the account's own: those of others' images are not looked for in this way."""
    owners = params.get("OwnerIds")
    if owners and not {"self", ground.account} & set(owners):
        return {"Snapshots": []}
    wanted = params.get("SnapshotIds")
    chosen = [find_snapshot(region, one) for one in wanted or ()]
    found = matching(
        "DescribeSnapshots",
        chosen if wanted else list(region.snapshots.values()),
        params,
        {
            "snapshot-id": lambda s: s.id,
            "volume-id": lambda s: s.volume,
            "status": lambda s: s.state,
            "encrypted": lambda s: str(s.encrypted).lower(),
            "description": lambda s: s.description,
            "tag": lambda s: s.tags,
        },
    )
    shown, more = page(found, params, least=5, most=1000)
    return {"Snapshots": [_shape(ground, snapshot) for snapshot in shown], **more}


def _shape(ground: Ground, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.volume,
        "VolumeSize": snapshot.size,
        "State": snapshot.state,
        "Progress": f"{_progress(ground, snapshot)}%",
        "StartTime": snapshot.began,
        "OwnerId": ground.account,
        "Encrypted": snapshot.encrypted,
        "Description": snapshot.description,
        "StorageTier": "standard",
        "Tags": tag_list(snapshot.tags),
    }


def _progress(ground: Ground, snapshot: Snapshot) -> int:
    if snapshot.state == "completed":
        return 100
    done = (ground.time - snapshot.began).total_seconds() / max(snapshot.takes, 1e-9)
    return min(99, int(100 * done))


def _delete(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    snapshot = find_snapshot(region, need(params, "SnapshotId"))
    if snapshot.images:
        image = sorted(snapshot.images)[0]
        raise AwsError(
            "InvalidSnapshot.InUse", f"The snapshot {snapshot.id} is currently in use by {image}"
        )
    del region.snapshots[snapshot.id]
    return {}


OPERATIONS = (
    Operation(
        name="CreateSnapshot",
        takes={"VolumeId": None, "Description": None, **TAG_SPECIFICATIONS},
        run=_create,
    ),
    Operation(
        name="CopySnapshot",
        takes={
            **dict.fromkeys(
                (
                    "SourceRegion",
                    "SourceSnapshotId",
                    "Description",
                    "Encrypted",
                    "DestinationRegion",
                    "PresignedUrl",
                )
            ),
            **TAG_SPECIFICATIONS,
        },
        run=_copy,
    ),
    Operation(
        name="DescribeSnapshots",
        takes={**FILTERS, **PAGES, "SnapshotIds": None, "OwnerIds": None},
        run=_describe,
    ),
    Operation(name="DeleteSnapshot", takes={"SnapshotId": None}, run=_delete),
)
