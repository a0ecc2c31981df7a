"""Cost Explorer: the world's own bill by day, for those who may read it."""

from typing import Any

from sim.world import bill
from sim.world.asking import Operation, Params
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Region


def _cost(ground: Ground, _: Region, params: Params) -> dict[str, Any]:
    if not ground.books.readable:
        raise AwsError(
            "AccessDeniedException", "User is not enabled for cost explorer access", status=400
        )
    return bill.cost_and_usage(ground, params)


OPERATIONS = (
    Operation(
        name="GetCostAndUsage",
        takes={
            "TimePeriod": {"Start": None, "End": None},
            "Granularity": None,
            "Metrics": None,
            "Filter": {"Tags": {"Key": None, "Values": None, "MatchOptions": None}},
        },
        run=_cost,
    ),
)
