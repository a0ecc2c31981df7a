"""The whole world at a glance, for the page and for tests that count what is left behind."""

from typing import Any

from sim.world import beats, quotas
from sim.world.data import load_quotas, on_demand_price
from sim.world.ground import Ground
from sim.world.spot import price_at
from sim.world.things import Instance, OwnImage, Region, Snapshot, Volume


def state(ground: Ground) -> dict[str, Any]:
    """Plain JSON values only. `hourly` is USD as text, or None where there is no price."""
    regions = ground.regions.values()
    return {
        "instances": [_instance(ground, r, i) for r in regions for i in r.instances.values()],
        "quotas": [quota for r in regions for quota in _quotas(r)],
        "quota_requests": [
            {
                "id": request.id,
                "region": r.name,
                "code": request.code,
                "name": request.name,
                "desired": int(request.desired),
                "status": request.status,
            }
            for r in regions
            for request in r.quota_requests.values()
        ],
        "full_zones": [
            {
                "region": r.name,
                "zone": full.zone,
                "instance_type": full.instance_type,
                "market": full.market,
                "room": full.room,
            }
            for r in regions
            for full in sorted(r.full, key=str)
        ],
        "volumes": [_volume(r, v) for r in regions for v in r.volumes.values()],
        "snapshots": [_snapshot(r, s) for r in regions for s in r.snapshots.values()],
        "images": [_image(r, i) for r in regions for i in r.own_images.values()],
        "counts": _counts(ground),
    }


def _instance(ground: Ground, region: Region, instance: Instance) -> dict[str, Any]:
    face = region.interfaces.get(instance.interface or "")
    name = instance.instance_type
    if instance.market == "spot":  # as it was when it was bought
        price = price_at(ground, region.name, instance.zone, name, instance.launched_at)
    else:
        price = on_demand_price(region.name, name)
    return {
        "id": instance.id,
        "region": region.name,
        "zone": instance.zone,
        "type": name,
        "market": instance.market,
        "state": instance.state,
        "name": instance.tags.get("Name", ""),
        "owner": instance.tags.get("gpu:owner", ""),
        "address": face.public_ip if face else None,
        "launched_at": instance.launched_at.isoformat(),
        "hourly": None if price is None else str(price),
        "load": beats.shown(instance),
        "commands": [command.script for command in instance.commands],
        "tags": dict(instance.tags),
    }


def _volume(region: Region, volume: Volume) -> dict[str, Any]:
    return {
        "id": volume.id,
        "region": region.name,
        "zone": volume.zone,
        "gb": volume.size,
        "kind": volume.kind,
        "iops": volume.iops,
        "throughput": volume.throughput,
        "encrypted": volume.encrypted,
        "state": volume.state,
        "instance": volume.instance,
        "device": volume.device,
        "content": volume.content,
        "tags": dict(volume.tags),
    }


def _snapshot(region: Region, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "region": region.name,
        "gb": snapshot.size,
        "state": snapshot.state,
        "content": snapshot.content,
        "images": sorted(snapshot.images),
        "tags": dict(snapshot.tags),
    }


def _image(region: Region, image: OwnImage) -> dict[str, Any]:
    return {
        "id": image.ami,
        "region": region.name,
        "name": image.name,
        "architecture": image.architecture,
        "state": image.state,
        "snapshots": [disk.snapshot for disk in image.disks],
        "encrypted": all(disk.encrypted for disk in image.disks),
        "tags": dict(image.tags),
    }


def _quotas(region: Region) -> list[dict[str, Any]]:
    return [
        {
            "region": region.name,
            "code": quota.code,
            "name": quota.name,
            "limit": int(region.limits[quota.code]),
            "used": quotas.used(region, quota),
        }
        for quota in load_quotas()
    ]


def _counts(ground: Ground) -> dict[str, int]:
    regions = ground.regions.values()
    return {
        "instances": sum(i.alive for r in regions for i in r.instances.values()),
        "groups": sum(g.name != "default" for r in regions for g in r.groups.values()),
        "volumes": sum(len(r.volumes) for r in regions),
        "snapshots": sum(len(r.snapshots) for r in regions),
        "images": sum(len(r.own_images) for r in regions),
        "keys": sum(len(r.keys) for r in regions),
        "interfaces": sum(len(r.interfaces) for r in regions),
    }
