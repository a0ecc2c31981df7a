"""AWS's price list: what an hour on demand costs."""

import json
from collections.abc import Iterator, Mapping
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
_LONGEST_VALUE = 1024  # characters of a filter's value


class PriceList:
    """core.ports.Prices over the Pricing API, which has an endpoint in few regions only.

    List prices change a few times a year and a process lives for some hours, so each is asked for
    once a process. What AWS does not list is asked for again: it may be new.
    """

    def __init__(self, client: "PricingClient") -> None:
        self._client = client
        self._known: dict[tuple[str, str], Decimal] = {}

    def on_demand(self, region: str, instance_type: str) -> Decimal | None:
        """USD per hour of Linux on shared tenancy, None where AWS lists none."""
        key = region, instance_type
        if key not in self._known:
            self._read(region, "TERM_MATCH", instance_type)
        return self._known.get(key)

    def listed(self, region: str, names: tuple[str, ...]) -> Mapping[str, Decimal]:
        """The same for many types at once; those AWS does not list are absent."""
        unknown = sorted({name for name in names if (region, name) not in self._known})
        for some in _joined(unknown):
            self._read(region, "ANY_OF", some)
        return {name: self._known[region, name] for name in names if (region, name) in self._known}

    def _read(self, region: str, how: str, types: str) -> None:
        """There is one price; if ever there are more, nobody pays more than was said."""
        found: dict[str, Decimal] = {}
        for product in self._products(region, how, types):
            name = product.get("product", {}).get("attributes", {}).get("instanceType", types)
            found[name] = max([found.get(name, Decimal(0)), *_hourly(product)])
        self._known |= {(region, name): price for name, price in found.items() if price > 0}

    def _products(self, region: str, how: str, types: str) -> Iterator[dict[str, Any]]:
        wanted = {"regionCode": region, **_LINUX_SHARED}
        filters: Any = [
            {"Type": how, "Field": "instanceType", "Value": types},
            *({"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in wanted.items()),
        ]
        with translated("GetProducts"):
            pages = self._client.get_paginator("get_products").paginate(
                ServiceCode="AmazonEC2", Filters=filters
            )
            for page in pages:
                yield from (json.loads(text) for text in page["PriceList"])


def _joined(names: list[str]) -> Iterator[str]:
    """`g5.xlarge,g5.2xlarge,…`: as many names at a time as the value of a filter holds."""
    some = ""
    for name in names:
        if some and len(some) + 1 + len(name) > _LONGEST_VALUE:
            yield some
            some = ""
        some = f"{some},{name}" if some else name
    if some:
        yield some


def _hourly(product: dict[str, Any]) -> Iterator[Decimal]:
    for offer in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in offer["priceDimensions"].values():
            if dimension["unit"] == "Hrs" and "USD" in dimension["pricePerUnit"]:
                yield Decimal(dimension["pricePerUnit"]["USD"])
