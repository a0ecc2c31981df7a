"""Which subnet a launch uses in each zone: public, the default one first, never a full one."""

from typing import Any

import pytest

from adapters.ec2_subnets import network_of, public_subnets
from core.model import Network

OUT = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
LOCAL = {"DestinationCidrBlock": "172.31.0.0/16", "GatewayId": "local", "State": "active"}


def subnet(id: str, zone: str = "a", free: int = 100, *, default: bool = True) -> dict[str, Any]:
    return {
        "SubnetId": id,
        "AvailabilityZone": zone,
        "AvailableIpAddressCount": free,
        "DefaultForAz": default,
    }


def table(*routes: dict[str, str], main: bool = False, subnets: tuple[str, ...] = ()) -> Any:
    ends = [{"Main": True}] if main else []
    return {
        "Routes": list(routes),
        "Associations": [*ends, *({"Main": False, "SubnetId": one} for one in subnets)],
    }


@pytest.mark.parametrize(
    ("tables", "public"),
    [
        ([table(LOCAL, OUT, main=True)], ["s1", "s2"]),
        ([table(LOCAL, main=True)], []),
        ([table(LOCAL, OUT, main=True), table(LOCAL, subnets=("s2",))], ["s1"]),
        ([table(LOCAL, main=True), table(LOCAL, OUT, subnets=("s2",))], ["s2"]),
        ([table({**OUT, "State": "blackhole"}, main=True)], []),
        ([table({**OUT, "DestinationCidrBlock": "10.0.0.0/8"}, main=True)], []),
        ([table({**OUT, "GatewayId": "vgw-1"}, main=True)], []),
        ([table({"DestinationCidrBlock": "0.0.0.0/0", "State": "active"}, main=True)], []),
        ([table({"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1"}, main=True)], []),
        ([], []),
    ],
)
def test_a_subnet_is_public_when_its_routes_lead_to_an_internet_gateway(
    tables: list[Any], public: list[str]
) -> None:
    found = public_subnets([subnet("s1"), subnet("s2", "b")], tables)
    assert [one["SubnetId"] for one in found] == public


@pytest.mark.parametrize(
    ("public", "subnets", "full"),
    [
        ([], (), ()),
        ([subnet("s1")], (("a", "s1"),), ()),
        ([subnet("s1", free=0)], (), ("a",)),
        ([subnet("s1", free=0), subnet("s2", "b")], (("b", "s2"),), ("a",)),
        ([subnet("s1", free=0), subnet("s2", default=False)], (("a", "s2"),), ()),
        ([subnet("s1", free=5), subnet("s2", free=90, default=False)], (("a", "s1"),), ()),
        (
            [subnet("s1", free=5, default=False), subnet("s2", free=90, default=False)],
            (("a", "s2"),),
            (),
        ),
        ([subnet("s2", default=False), subnet("s1", default=False)], (("a", "s1"),), ()),
    ],
)
def test_each_zone_has_one_subnet_with_free_addresses(
    public: list[Any], subnets: tuple[tuple[str, str], ...], full: tuple[str, ...]
) -> None:
    assert network_of("vpc-1", public) == Network(vpc="vpc-1", subnets=subnets, full=full)
