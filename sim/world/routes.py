"""The default VPC as a whole, which can be missing, and the routes that make its subnets public."""

from dataclasses import dataclass
from typing import Any

from sim.world.asking import FILTERS, PAGES, Operation, Params, matching, page
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.network import vpc_shape
from sim.world.things import Region


def _create_default_vpc(ground: Ground, region: Region, _: Params) -> dict[str, Any]:
    if region.vpc:
        raise AwsError(
            "DefaultVpcAlreadyExists",
            f"A Default VPC already exists for this account in this region: {region.vpc}.",
        )
    region.vpc, region.subnets = ground.default_vpc(region.zones)
    for group in region.groups.values():
        group.vpc = region.vpc
    return {"Vpc": vpc_shape(ground, region)}


def remove_default_vpc(region: Region) -> None:
    """As an admin does in the console; ValueError while something stands in it."""
    if not region.vpc:
        raise ValueError(f"{region.name} has no default VPC")
    if region.interfaces or any(group.name != "default" for group in region.groups.values()):
        raise ValueError(f"the default VPC of {region.name} is in use")
    region.vpc, region.subnets = "", {}


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A route table: the main one leads to the internet, the other one leads nowhere."""

    id: str
    main: bool
    subnets: tuple[str, ...]  # that are associated with it by name

    @property
    def gateways(self) -> tuple[str, ...]:
        return ("local", f"igw-{self.id[4:]}") if self.main else ("local",)


def _tables(region: Region) -> list[_Table]:
    if not region.vpc:
        return []
    number = region.vpc.removeprefix("vpc-")
    private = tuple(s.id for s in region.subnets.values() if not s.public)
    main = _Table(id=f"rtb-{number}", main=True, subnets=())
    return [main, _Table(id=f"rtb-{number[::-1]}", main=False, subnets=private)]


def _route_tables(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    found = matching(
        "DescribeRouteTables",
        _tables(region),
        params,
        {
            "vpc-id": lambda _: region.vpc,
            "route-table-id": lambda table: table.id,
            "association.main": lambda table: str(table.main).lower(),
            "association.subnet-id": lambda table: table.subnets,
            "route.gateway-id": lambda table: table.gateways,
        },
    )
    shown, more = page(found, params, least=5, most=100)
    return {"RouteTables": [_table_shape(ground, region, table) for table in shown], **more}


def _table_shape(ground: Ground, region: Region, table: _Table) -> dict[str, Any]:
    ends: list[dict[str, Any]] = [{"Main": True}] if table.main else []
    ends += [{"Main": False, "SubnetId": subnet} for subnet in table.subnets]
    routes = zip(("172.31.0.0/16", "0.0.0.0/0"), table.gateways, strict=False)
    return {
        "RouteTableId": table.id,
        "VpcId": region.vpc,
        "OwnerId": ground.account,
        "PropagatingVgws": [],
        "Tags": [],
        "Associations": [
            {
                "RouteTableAssociationId": f"rtbassoc-{table.id[4:]}{number}",
                "RouteTableId": table.id,
                "AssociationState": {"State": "associated"},
                **end,
            }
            for number, end in enumerate(ends)
        ],
        "Routes": [
            {
                "DestinationCidrBlock": destination,
                "GatewayId": gateway,
                "Origin": "CreateRouteTable" if gateway == "local" else "CreateRoute",
                "State": "active",
            }
            for destination, gateway in routes
        ],
    }


OPERATIONS = (
    Operation(name="CreateDefaultVpc", takes={}, run=_create_default_vpc),
    Operation(
        name="DescribeRouteTables",
        takes={**FILTERS, **PAGES, "RouteTableIds": None},
        run=_route_tables,
    ),
)
