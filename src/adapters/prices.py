"""AWS's price list: what an hour on demand costs."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.aws_errors import translated

if TYPE_CHECKING:
    from mypy_boto3_pricing import PricingClient

# Without these there are several products for a type: other systems, tenancies, reservations.
_LINUX_SHARED = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "preInstalledSw": "NA",
    "marketoption": "OnDemand",
}


class PriceList:
    """core.ports.Prices over the Pricing API, which has an endpoint in few regions only.

    List prices change a few times a year, so each is asked for once a process.
    """

    def __init__(self, client: "PricingClient") -> None:
        self._client = client
        self._known: dict[tuple[str, str], Decimal] = {}

    def on_demand(self, region: str, instance_type: str) -> Decimal | None:
        """USD per hour of Linux on shared tenancy, None where AWS lists none."""
        key = region, instance_type
        if key not in self._known:
            prices = [price for price in self._listed(region, instance_type) if price > 0]
            if not prices:
                return None
            # There is one; if ever there are more, nobody pays more than was said.
            self._known[key] = max(prices)
        return self._known[key]

    def _listed(self, region: str, instance_type: str) -> Iterator[Decimal]:
        wanted = {"regionCode": region, "instanceType": instance_type, **_LINUX_SHARED}
        filters: Any = [
            {"Type": "TERM_MATCH", "Field": field, "Value": value}
            for field, value in wanted.items()
        ]
        with translated("GetProducts"):
            pages = self._client.get_paginator("get_products").paginate(
                ServiceCode="AmazonEC2", Filters=filters
            )
            for product in (json.loads(text) for page in pages for text in page["PriceList"]):
                yield from _hourly(product)


def _hourly(product: dict[str, Any]) -> Iterator[Decimal]:
    for offer in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in offer["priceDimensions"].values():
            if dimension["unit"] == "Hrs" and "USD" in dimension["pricePerUnit"]:
                yield Decimal(dimension["pricePerUnit"]["USD"])
