"""RunInstances of one attempt, written out whole: names, marks, network, disk, market, first boot.

Pure. What this gives is frozen in the row before it is sent.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from core.disks import disk_of, mapping
from core.model import Image, Machine, Market, Placement, Policy
from core.user_data import user_data


def tags(m: Machine, policy: Policy) -> dict[str, str]:
    """What marks everything that a machine brings: whose it is and which deployment made it."""
    return {
        "Name": m.name,
        "gpu:stack": policy.stack,
        "gpu:machine": m.id,
        "gpu:name": m.name,
        "gpu:owner": m.owner,
        "gpu:channel": m.channel,
    }


def resource_name(m: Machine) -> str:
    """The name of the machine's own security group and key pair."""
    return f"gpu-{m.id}"


def run_request(
    m: Machine,
    at: Placement,
    *,
    number: int,
    group: str,
    key_name: str,
    keys: tuple[str, ...],
    deadline: datetime,
    longest: timedelta,
    policy: Policy,
    beats_to: str | None = None,
) -> tuple[str, str]:
    """(client token, RunInstances' arguments as JSON) of one attempt; the JSON holds the token.

    The token names the attempt and its exact arguments: a re-send after a deploy that would have
    written other arguments still sends these, so EC2 never sees one token with two requests.
    """
    assert m.image is not None
    request = {
        "ImageId": m.image.id,
        "InstanceType": at.instance_type,
        "MinCount": 1,  # as many as the zone has: what is missing is asked of the next one
        "MaxCount": max(1, m.missing),
        "KeyName": key_name,
        "NetworkInterfaces": [_interface(at, group)],
        "BlockDeviceMappings": [_root(m, m.image, at)],
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
            "InstanceMetadataTags": "enabled",
        },
        "TagSpecifications": _tag_specifications(m, at, number, deadline, policy),
        "UserData": user_data(
            keys,
            longest,
            data_of=m.image.user if m.data else None,
            strangers_of=m.image.user if m.image.origin and m.kept is None else None,
            beats_to=beats_to,
        ),
        **_market(at.market),
        **_profile(policy),
    }
    frozen = json.dumps(request, sort_keys=True, separators=(",", ":"))
    token = f"{m.id}-{number}-{hashlib.sha256(frozen.encode()).hexdigest()[:16]}"
    return token, json.dumps({**request, "ClientToken": token}, sort_keys=True)


def _profile(policy: Policy) -> dict[str, Any]:
    """What lets Session Manager in, and nothing else; without it there is SSH alone."""
    arn = policy.instance_profile
    return {"IamInstanceProfile": {"Arn": arn}} if arn else {}


def _interface(at: Placement, group: str) -> dict[str, Any]:
    return {
        "DeviceIndex": 0,
        "SubnetId": at.subnet,
        "Groups": [group],
        "AssociatePublicIpAddress": True,
        "DeleteOnTermination": True,
    }


def _root(m: Machine, image: Image, at: Placement) -> dict[str, Any]:
    """The disk of a `spot keep` outlives its instance, whoever ends that."""
    assert m.disk_gb is not None
    stays = m.wish.keep and at.market is Market.SPOT
    ebs = {**mapping(disk_of(m.wish, m.disk_gb)), "DeleteOnTermination": not stays}
    return {"DeviceName": image.root_device, "Ebs": ebs}


def _market(market: Market) -> dict[str, Any]:
    """One-time spot only: a persistent request would bring a terminated machine back."""
    if market is Market.ON_DEMAND:
        return {"InstanceInitiatedShutdownBehavior": "stop"}
    spot = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    return {
        "InstanceInitiatedShutdownBehavior": "terminate",
        "InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": spot},
    }


def _tag_specifications(
    m: Machine, at: Placement, number: int, deadline: datetime, policy: Policy
) -> list[dict[str, Any]]:
    marks = {
        **tags(m, policy),
        "gpu:attempt": str(number),
        "gpu:deadline": str(int(deadline.timestamp())),
    }
    pairs = [{"Key": key, "Value": value} for key, value in sorted(marks.items())]
    kinds = ["instance", "volume", "network-interface"]
    if at.market is Market.SPOT:
        kinds.append("spot-instances-request")
    return [{"ResourceType": kind, "Tags": pairs} for kind in kinds]
