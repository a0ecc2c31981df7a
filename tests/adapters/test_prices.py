"""List prices, over the world's price list and over products with odd rows."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.prices import PriceList
from core.faults import CloudError, FaultKind
from sim import boto
from sim.world import World


@pytest.fixture
def world() -> World:
    return World(lambda: datetime(2026, 11, 24, 12, 0, tzinfo=UTC))


@pytest.fixture
def client(world: World) -> Any:
    return boto.client(world, "pricing", "us-east-1")


def test_a_type_has_its_list_price(client: Any) -> None:
    prices = PriceList(client)
    assert prices.on_demand("us-east-1", "p3.2xlarge") == Decimal("3.06")
    assert prices.on_demand("us-east-1", "g5.xlarge") == Decimal("1.006")


def test_a_type_without_a_price_is_none(client: Any) -> None:
    assert PriceList(client).on_demand("us-east-1", "p99.huge") is None


def test_a_price_is_asked_for_once_and_none_again(client: Any) -> None:
    asked: list[str] = []
    client.meta.events.register(
        "before-parameter-build", lambda model, **_: asked.append(model.name)
    )
    prices = PriceList(client)
    for _ in range(2):
        prices.on_demand("us-east-1", "g5.xlarge")
    assert len(asked) == 1
    for _ in range(2):
        prices.on_demand("us-east-1", "p99.huge")
    assert len(asked) == 3


def test_rows_of_nothing_and_rows_that_are_not_hours_are_left_out(aws: Any) -> None:
    def product(unit: str, usd: str) -> str:
        dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
        return json.dumps({"terms": {"OnDemand": {"o": {"priceDimensions": {"d": dimension}}}}})

    rows = [product("Hrs", "0.0000000000"), product("Hrs", "3.1700000000")]
    rows += [product("Quantity", "99.0"), json.dumps({"terms": {}})]
    aws.answer("GetProducts", PriceList=rows)
    prices = PriceList(aws.client("pricing"))
    assert prices.on_demand("us-east-1", "p3.2xlarge") == Decimal("3.17")


def test_a_price_list_that_does_not_answer_is_an_error_and_not_none(
    world: World, client: Any
) -> None:
    world.control(
        {"do": "fault", "operation": "GetProducts", "code": "ThrottlingException", "times": 1}
    )
    with pytest.raises(CloudError) as caught:
        PriceList(client).on_demand("us-east-1", "g5.xlarge")
    assert caught.value.fault.kind is FaultKind.THROTTLED
