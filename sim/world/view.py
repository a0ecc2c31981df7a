"""The whole world at a glance, for the page and for tests that count what is left behind."""

from typing import Any

from sim.world import quotas
from sim.world.data import load_quotas, on_demand_price, spot_price
from sim.world.ground import Ground
from sim.world.things import Instance, Region


def state(ground: Ground) -> dict[str, Any]:
    """Plain JSON values only. `hourly` is USD as text, or None where there is no price."""
    regions = ground.regions.values()
    return {
        "instances": [_instance(r, i) for r in regions for i in r.instances.values()],
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
            }
            for r in regions
            for full in sorted(r.full, key=str)
        ],
        "counts": _counts(ground),
    }


def _instance(region: Region, instance: Instance) -> dict[str, Any]:
    face = region.interfaces.get(instance.interface or "")
    spot = instance.market == "spot"
    name = instance.instance_type
    price = (
        spot_price(region.name, instance.zone, name) if spot else on_demand_price(region.name, name)
    )
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
        "tags": dict(instance.tags),
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
        "keys": sum(len(r.keys) for r in regions),
        "interfaces": sum(len(r.interfaces) for r in regions),
    }
