"""Which subnets are public, and which of them a launch uses in each zone.

A subnet is public when its route table leads to an internet gateway, whatever it is called. Whether
it gives addresses by itself does not matter: RunInstances asks for one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.model import Network

Shown = Mapping[str, Any]
_EVERYWHERE = "0.0.0.0/0"


def public_subnets(subnets: Iterable[Shown], tables: Iterable[Shown]) -> list[Shown]:
    """Those whose own route table, or else the VPC's main one, leads to the internet."""
    leads: dict[str, bool] = {}
    main = False
    for table in tables:
        out = any(_leads_out(route) for route in table["Routes"])
        for association in table["Associations"]:
            if association.get("Main"):
                main = out
            if association.get("SubnetId"):
                leads[association["SubnetId"]] = out
    return [subnet for subnet in subnets if leads.get(subnet["SubnetId"], main)]


def _leads_out(route: Shown) -> bool:
    to = route.get("GatewayId") or ""
    working = route.get("State") == "active"
    return working and route.get("DestinationCidrBlock") == _EVERYWHERE and to.startswith("igw-")


def network_of(vpc: str, public: Sequence[Shown]) -> Network:
    """For each zone the default subnet, or the one with most addresses left when that is full."""
    best: dict[str, Shown] = {}
    for subnet in sorted(public, key=_better_first, reverse=True):
        best[subnet["AvailabilityZone"]] = subnet
    free = {zone: subnet for zone, subnet in best.items() if subnet["AvailableIpAddressCount"]}
    return Network(
        vpc=vpc,
        subnets=tuple(sorted((zone, subnet["SubnetId"]) for zone, subnet in free.items())),
        full=tuple(sorted(best.keys() - free.keys())),
    )


def _better_first(subnet: Shown) -> tuple[bool, bool, int, str]:
    left = subnet["AvailableIpAddressCount"]
    return (not left, not subnet["DefaultForAz"], -left, subnet["SubnetId"])
