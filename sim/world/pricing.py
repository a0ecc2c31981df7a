"""The Price List: GetProducts for EC2, in AWS's shape, down to JSON within JSON."""

import json
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any

from sim.world.asking import Operation, Params, page
from sim.world.data import load_prices, load_types
from sim.world.errors import AwsError, unknown
from sim.world.ground import Ground
from sim.world.things import Region

ENDPOINTS = ("us-east-1", "eu-central-1", "ap-south-1")
_CITIES = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}
# AWS lists a used machine, an idle reservation at the same price, and a used one at nothing.
_STATES = {"Used": 1, "UnusedCapacityReservation": 1, "AllocatedCapacityReservation": 0}
_MORE_FIELDS = {"ServiceCode": "AmazonEC2", "productFamily": "Compute Instance"}
_FIELDS = frozenset(
    {
        *("servicecode", "servicename", "location", "locationType", "regionCode", "instanceType"),
        *("vcpu", "memory", "operatingSystem", "tenancy", "preInstalledSw", "licenseModel"),
        *("capacitystatus", "marketoption", "operation", "currentGeneration", *_MORE_FIELDS),
    }
)
_OFFER, _RATE = "JRTCKXETXF", "6YS6EN2CT7"


def _products(ground: Ground, _: Region, params: Params) -> dict[str, Any]:
    if params.get("ServiceCode") != "AmazonEC2":
        raise unknown("GetProducts", "service", str(params.get("ServiceCode")))
    if params.get("FormatVersion") not in (None, "aws_v1"):
        raise AwsError("InvalidParameterException", "Invalid format version")
    wanted = [_wanted(f) for f in params.get("Filters") or ()]
    found = [
        (region, number)
        for region in ground.regions
        if region not in ground.troubles.unpriced
        for number, (fields, _) in enumerate(_listed(region))
        if all(fields[field] in allowed for field, allowed in wanted)
    ]
    shown, more = page(found, params, most=100, default=100)
    products = [_as_json(region, number) for region, number in shown]
    return {"FormatVersion": "aws_v1", "PriceList": products, **more}


@cache
def _listed(region: str) -> tuple[tuple[dict[str, str], Decimal], ...]:
    """What can be filtered by, and the price."""
    return tuple(
        ({**_attributes(region, name, state), **_MORE_FIELDS}, price * share)
        for name, (price, _) in load_prices(region).items()
        if price is not None and name in load_types()
        for state, share in _STATES.items()
    )


@cache
def _as_json(region: str, number: int) -> str:
    fields, price = _listed(region)[number]
    attributes = {key: value for key, value in fields.items() if key not in _MORE_FIELDS}
    return json.dumps(_product(attributes, price))


def _attributes(region: str, name: str, state: str) -> dict[str, str]:
    kind = load_types()[name]
    return {
        "servicecode": "AmazonEC2",
        "servicename": "Amazon Elastic Compute Cloud",
        "location": _CITIES[region],
        "locationType": "AWS Region",
        "regionCode": region,
        "instanceType": name,
        "vcpu": str(kind["VCpuInfo"]["DefaultVCpus"]),
        "memory": f"{kind['MemoryInfo']['SizeInMiB'] // 1024} GiB",
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "licenseModel": "No License required",
        "capacitystatus": state,
        "marketoption": "OnDemand",
        "operation": "RunInstances",
        "currentGeneration": "Yes" if kind["CurrentGeneration"] else "No",
    }


def _wanted(f: Params) -> tuple[str, frozenset[str]]:
    """The field that a filter is about, and which of its values it lets through."""
    kind, field, value = f.get("Type"), str(f.get("Field")), str(f.get("Value") or "")
    if kind not in ("TERM_MATCH", "ANY_OF"):
        raise unknown("GetProducts", "filter type", str(kind))
    if field not in _FIELDS:
        raise unknown("GetProducts", "filter field", field)
    if not 1 <= len(value) <= 1024:
        raise AwsError(
            "InvalidParameterException", "The value of a filter has 1 to 1024 characters"
        )
    return field, frozenset(value.split(",") if kind == "ANY_OF" else [value])


def _product(attributes: dict[str, str], price: Decimal) -> dict[str, Any]:
    sku = sha256(json.dumps(attributes).encode()).hexdigest()[:16].upper()
    term, rate = f"{sku}.{_OFFER}", f"{sku}.{_OFFER}.{_RATE}"
    dimension = {
        "unit": "Hrs",
        "beginRange": "0",
        "endRange": "Inf",
        "rateCode": rate,
        "appliesTo": [],
        "description": f"${price} per On Demand Linux {attributes['instanceType']} Instance Hour",
        "pricePerUnit": {"USD": f"{price:.10f}"},
    }
    offer = {
        "sku": sku,
        "offerTermCode": _OFFER,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "termAttributes": {},
        "priceDimensions": {rate: dimension},
    }
    return {
        "product": {"productFamily": "Compute Instance", "sku": sku, "attributes": attributes},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {term: offer}},
        "version": "20261120",
        "publicationDate": "2026-11-20T00:00:00Z",
    }


OPERATIONS = (
    Operation(
        name="GetProducts",
        takes={
            "ServiceCode": None,
            "FormatVersion": None,
            "Filters": [{"Type": None, "Field": None, "Value": None}],
            "MaxResults": None,
            "NextToken": None,
        },
        run=_products,
    ),
)
