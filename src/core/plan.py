"""(wish, facts, policy) → where to launch, or why not and what else there is.

Pure. `decide` answers for one wish in one region; `ways_on` turns what else is on offer into the
choices of a held launch; `run_request` writes RunInstances' arguments, which are then frozen.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import images
from core.model import (
    Choice,
    ChoiceKind,
    Hold,
    HoldKind,
    Image,
    Machine,
    Market,
    Network,
    Placement,
    Policy,
    Profile,
    QuotaFacts,
    TypeFacts,
    Wish,
    Zone,
)
from core.quota import ask_for, short

MOST_CHOICES = 3


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What AWS said about one wish, and what its owner has told the bot."""

    type: TypeFacts | None
    zones: tuple[Zone, ...]
    hourly: Mapping[str, Decimal]  # by zone name, of the wished market
    network: Network | None
    quota: QuotaFacts | None
    image: Image | None
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Something else that could be launched: a type, market and region, at a price."""

    instance_type: str
    market: Market
    region: str
    hourly: Decimal
    room: bool  # whether the quota has room for it now


@dataclass(frozen=True, kw_only=True)
class Proceed:
    """Launch: where to try, in which order, with which image and disk."""

    placements: tuple[Placement, ...]
    image: Image
    disk_gb: int


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """Do not launch: a hold that still lacks its choices."""

    hold: Hold


def decide(wish: Wish, facts: Facts, policy: Policy, *, admin: bool) -> Proceed | Stuck:
    """Where to launch what was wished for, or the first thing that stands in the way."""
    kind = facts.type
    if kind is None or not facts.zones:
        return _stuck(HoldKind.NOT_OFFERED, code="not-offered")
    if wish.market not in kind.markets or not facts.hourly:
        return _stuck(HoldKind.NOT_OFFERED, code="no-such-market")
    if facts.network is None:
        return _stuck(HoldKind.REFUSED, code="no-default-vpc")
    blocked = _image_problem(wish, kind, facts.image)
    if blocked or facts.image is None:
        return _stuck(HoldKind.REFUSED, code="image", detail=blocked or "")
    disk = images.disk(facts.image, wish.disk_gb, policy.default_disk_gb)
    if isinstance(disk, str):
        return _stuck(HoldKind.REFUSED, code="disk", detail=disk)
    limit = None if admin else policy.approval_above
    if limit is not None and min(facts.hourly.values()) > limit:
        return _stuck(HoldKind.TOO_DEAR, code="price-limit", detail=str(limit))
    if facts.quota and short(facts.quota, kind.vcpus):
        return _without_room(facts, kind)
    if not facts.profile.keys or not facts.profile.has_address:
        return Stuck(hold=Hold(kind=HoldKind.NO_ACCESS, **_lacks(facts.profile)))
    placements = _placements(wish, facts, facts.network, limit)
    if not placements:
        return _stuck(HoldKind.REFUSED, code="no-subnet")
    return Proceed(placements=placements, image=facts.image, disk_gb=disk)


def _stuck(kind: HoldKind, *, code: str, detail: str = "") -> Stuck:
    return Stuck(hold=Hold(kind=kind, code=code, detail=detail))


def _lacks(profile: Profile) -> dict[str, Any]:
    return {"lacks_key": not profile.keys, "lacks_address": not profile.has_address}


def _image_problem(wish: Wish, kind: TypeFacts, image: Image | None) -> str | None:
    if image is None and wish.image.startswith("ami-"):
        return f"There is no image {wish.image} in {wish.region} that this account may use."
    if image is None:
        wanted = images.plan(kind, wish.image)
        if isinstance(wanted, str):
            return wanted
        return f"There is no {wish.image} image for {kind.name} in {wish.region}."
    return images.check(image, kind)


def _without_room(facts: Facts, kind: TypeFacts) -> Stuck:
    return Stuck(
        hold=Hold(
            kind=HoldKind.QUOTA,
            quota=facts.quota,
            needed=kind.vcpus,
            code="quota",
            **_lacks(facts.profile),
        )
    )


def _placements(
    wish: Wish, facts: Facts, network: Network, limit: Decimal | None
) -> tuple[Placement, ...]:
    """Cheapest first, by name where prices are equal: one for each zone that sells it.

    A zone where the price is above the limit is left out.
    """
    subnets = dict(network.subnets)
    found = [
        Placement(
            region=wish.region,
            zone=zone.name,
            subnet=subnets[zone.name],
            market=wish.market,
            hourly=facts.hourly[zone.name],
        )
        for zone in facts.zones
        if zone.name in subnets
        and zone.name in facts.hourly
        and (limit is None or facts.hourly[zone.name] <= limit)
    ]
    return tuple(sorted(found, key=lambda p: (p.hourly, p.zone)))


def ways_on(
    hold: Hold, offers: tuple[Offer, ...], wish: Wish, image: Image | None = None
) -> tuple[Choice, ...]:
    """At most three ways on, the likeliest first; buttons are made from them."""
    if hold.kind is HoldKind.REFUSED:
        return _mended(hold, wish, image)
    found = [*_asking(hold), *_instead(hold, offers, wish)]
    if hold.kind is HoldKind.NO_CAPACITY:
        found = [*found[: MOST_CHOICES - 1], Choice(kind=ChoiceKind.RETRY, value="")]
    return tuple(found[:MOST_CHOICES])


def _mended(hold: Hold, wish: Wish, image: Image | None) -> tuple[Choice, ...]:
    """The same launch without the part that a rule refused; no other type would cure it."""
    if hold.code == "disk" and image is not None:
        return (Choice(kind=ChoiceKind.DISK, value=str(image.root_gb)),)
    if hold.code == "image" and wish.image != "base":
        return (Choice(kind=ChoiceKind.IMAGE, value="base"),)
    if hold.code in ("image", "no-subnet", "no-default-vpc"):
        return ()
    return (Choice(kind=ChoiceKind.RETRY, value=""),)


def _asking(hold: Hold) -> list[Choice]:
    if hold.kind is not HoldKind.QUOTA or hold.quota is None:
        return []
    if not short(hold.quota, hold.needed):
        return [Choice(kind=ChoiceKind.RETRY, value="")]
    total = str(ask_for(hold.quota, hold.needed))
    return [
        Choice(kind=ChoiceKind.ASK_QUOTA, value=total),
        Choice(kind=ChoiceKind.ASK_AND_LAUNCH, value=total),
    ]


def _instead(hold: Hold, offers: tuple[Offer, ...], wish: Wish) -> list[Choice]:
    """Other markets, regions and types: those with room first, then in the order they came."""
    ordered = sorted(offers, key=lambda o: not o.room)
    if hold.kind is HoldKind.QUOTA:
        ordered = [o for o in ordered if o.room]
    if hold.kind is HoldKind.TOO_DEAR:
        ordered = [o for o in ordered if o.hourly <= Decimal(hold.detail)]
    return [_choice(offer, wish) for offer in ordered]


def _choice(offer: Offer, wish: Wish) -> Choice:
    if offer.instance_type != wish.instance_type:
        return Choice(kind=ChoiceKind.TYPE, value=offer.instance_type, hourly=offer.hourly)
    if offer.region != wish.region:
        return Choice(kind=ChoiceKind.REGION, value=offer.region, hourly=offer.hourly)
    return Choice(kind=ChoiceKind.MARKET, value=offer.market.value, hourly=offer.hourly)


# ---- the call -------------------------------------------------------------------------------


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
    policy: Policy,
) -> tuple[str, str]:
    """(client token, RunInstances' arguments as JSON) of one attempt; the JSON holds the token.

    The token names the attempt and its exact arguments: a re-send after a deploy that would have
    written other arguments still sends these, so EC2 never sees one token with two requests.
    """
    assert m.image is not None
    assert m.disk_gb is not None
    request = {
        "ImageId": m.image.id,
        "InstanceType": m.wish.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": key_name,
        "NetworkInterfaces": [_interface(at, group)],
        "BlockDeviceMappings": [_root(m.image, m.disk_gb)],
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
            "InstanceMetadataTags": "enabled",
        },
        "TagSpecifications": _tag_specifications(m, at, number, deadline, policy),
        "UserData": _user_data(keys),
        **_market(at.market),
    }
    frozen = json.dumps(request, sort_keys=True, separators=(",", ":"))
    token = f"{m.id}-{number}-{hashlib.sha256(frozen.encode()).hexdigest()[:16]}"
    return token, json.dumps({**request, "ClientToken": token}, sort_keys=True)


def _interface(at: Placement, group: str) -> dict[str, Any]:
    return {
        "DeviceIndex": 0,
        "SubnetId": at.subnet,
        "Groups": [group],
        "AssociatePublicIpAddress": True,
        "DeleteOnTermination": True,
    }


def _root(image: Image, disk_gb: int) -> dict[str, Any]:
    ebs = {
        "VolumeSize": disk_gb,
        "VolumeType": "gp3",
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
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


def _user_data(keys: tuple[str, ...]) -> str:
    """A fixed cloud-config: every key of the owner may log in. Only checked keys stand in it."""
    lines = ["#cloud-config", "ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    return "\n".join(lines) + "\n"
