"""What EC2 sells in bulk: every accelerator and zone, a week of spot, list prices by the dozen."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.ec2_offers import Offers
from adapters.prices import PriceList
from core.faults import CloudError, FaultKind
from core.model import Chip, Gpu
from sim import boto
from sim.world import World

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
R = "us-east-1"


@pytest.fixture
def world() -> World:
    return World(lambda: NOW)


@pytest.fixture
def offers(world: World) -> Offers:
    clients = {region: boto.client(world, "ec2", region) for region in (R, "us-west-2")}
    return Offers(clients.__getitem__)


@pytest.mark.parametrize(
    ("region", "name", "gpu"),
    [
        (R, "f2.6xlarge", ("Virtex UltraScale+ (VU47P)", "Xilinx", "1", 81920, Chip.FPGA)),
        (R, "inf2.xlarge", ("Inferentia2", "AWS", "1", 32768, Chip.NEURON)),
        (R, "trn1.32xlarge", ("Trainium", "AWS", "16", 32768, Chip.NEURON)),
        (R, "vt1.3xlarge", ("U30", "Xilinx", "1", 24576, Chip.MEDIA)),
        (R, "g6f.large", ("L4", "NVIDIA", "0.125", 2861, Chip.GPU)),
        ("us-west-2", "dl2q.24xlarge", ("Qualcomm AI100", "Qualcomm", "8", 16000, Chip.INFERENCE)),
    ],
)
def test_every_kind_of_accelerator_is_read(
    offers: Offers, region: str, name: str, gpu: tuple[str, str, str, int, Chip]
) -> None:
    model, maker, count, memory, chip = gpu
    wanted = Gpu(name=model, maker=maker, count=Decimal(count), memory_mib=memory, chip=chip)
    found = {kind.name: kind for kind in offers.gpu_types(region)}[name]
    assert found.gpu == wanted
    assert offers.type_facts(region, name) == found
    assert found.network


def test_trainium2_has_the_memory_of_its_data_sheet(aws: Any) -> None:
    device = {"Count": 16, "Name": "Trainium2", "MemoryInfo": {"SizeInMiB": 524288}}
    aws.answer(
        "DescribeInstanceTypes",
        InstanceTypes=[
            {
                "InstanceType": "trn2.48xlarge",
                "VCpuInfo": {"DefaultVCpus": 192},
                "MemoryInfo": {"SizeInMiB": 2097152},
                "NeuronInfo": {"NeuronDevices": [device]},
            }
        ],
    )
    found = Offers(lambda region: aws.client("ec2", region)).type_facts(R, "trn2.48xlarge")
    assert found is not None
    assert found.gpu == Gpu(
        name="Trainium2", maker="AWS", count=Decimal(16), memory_mib=98304, chip=Chip.NEURON
    )


def test_machines_without_an_accelerator_are_not_among_the_gpu_types(offers: Offers) -> None:
    assert not {"t3.micro", "m5.large"} & {kind.name for kind in offers.gpu_types(R)}


def test_zones_of_many_types_are_one_question(offers: Offers, world: World) -> None:
    names = tuple(kind.name for kind in offers.gpu_types(R))
    offers.zones_offering(R, "g5.xlarge")  # the zones' ids are known from now on
    fault = {"do": "fault", "operation": "DescribeInstanceTypeOfferings", "code": "Unavailable"}
    selling = offers.zones_selling(R, (*names, "p99.huge"))
    assert set(selling) == set(names)
    assert selling["g5.xlarge"] == offers.zones_offering(R, "g5.xlarge")
    world.control({**fault, "times": 1})
    with pytest.raises(CloudError):
        offers.zones_selling(R, names)


def test_only_ordinary_zones_in_good_order_are_launched_in(aws: Any) -> None:
    zones = [
        {"ZoneName": "us-west-2-lax-1a", "ZoneId": "usw2-lax1-az1", "ZoneType": "local-zone"},
        {"ZoneName": "us-west-2a", "ZoneId": "usw2-az1", "ZoneType": "availability-zone"},
        {"ZoneName": "us-west-2b", "ZoneId": "usw2-az2", "State": "impaired"},
        {"ZoneName": "us-west-2c", "ZoneId": "usw2-az3", "State": "available"},
        {"ZoneName": "us-west-2d", "ZoneId": "usw2-az4"},
    ]
    sold = [{"InstanceType": "g5.xlarge", "Location": zone["ZoneName"]} for zone in zones]
    aws.answer("DescribeAvailabilityZones", AvailabilityZones=zones)
    aws.answer("DescribeInstanceTypeOfferings", InstanceTypeOfferings=sold)
    offers = Offers(lambda region: aws.client("ec2", region))
    found = offers.zones_offering("us-west-2", "g5.xlarge")
    assert [zone.name for zone in found] == ["us-west-2a", "us-west-2c", "us-west-2d"]


def test_more_types_than_a_filter_holds_are_asked_in_two_calls(aws: Any) -> None:
    aws.answer("DescribeInstanceTypeOfferings", InstanceTypeOfferings=[])
    names = tuple(f"g{n}.xlarge" for n in range(201))
    Offers(lambda region: aws.client("ec2", region)).zones_selling(R, names)
    asked = aws.asked("DescribeInstanceTypeOfferings")
    assert [len(one["Filters"][0]["Values"]) for one in asked] == [200, 1]


def test_a_week_of_spot_is_oldest_first_and_ends_with_the_price_of_now(offers: Offers) -> None:
    week = offers.spot_history(R, ("g5.xlarge",), NOW - timedelta(days=7))
    now = offers.spot_prices(R, ("g5.xlarge",), NOW)
    assert set(week) == set(now)
    for pool, changes in week.items():
        assert list(changes) == sorted(changes)
        assert changes[0][0] <= NOW - timedelta(days=7)
        assert len(changes) > 7
        assert changes[-1][1] == now[pool]


def test_no_types_are_no_question(offers: Offers, world: World) -> None:
    fault = {"do": "fault", "operation": "DescribeSpotPriceHistory", "code": "Unavailable"}
    world.control({**fault, "times": 1})
    assert offers.spot_history(R, (), NOW) == {}


# ---- list prices ----------------------------------------------------------------------------


def counting(world: World) -> tuple[PriceList, list[str]]:
    client = boto.client(world, "pricing", R)
    asked: list[str] = []
    client.meta.events.register(
        "before-parameter-build", lambda params, **_: asked.append(params["Filters"][0]["Value"])
    )
    return PriceList(client), asked


def test_ninety_list_prices_take_two_calls_and_then_none(offers: Offers, world: World) -> None:
    names = tuple(kind.name for kind in offers.gpu_types(R))
    prices, asked = counting(world)
    found = prices.listed(R, names)
    assert set(found) == set(names)
    assert found["g5.xlarge"] == Decimal("1.006")
    assert len(asked) == 2
    assert all(len(value) <= 1024 for value in asked)
    assert prices.listed(R, names) == found
    assert prices.on_demand(R, "g5.xlarge") == Decimal("1.006")
    assert len(asked) == 2


def test_what_aws_does_not_list_is_absent_and_asked_again(world: World) -> None:
    prices, asked = counting(world)
    for _ in range(2):
        assert set(prices.listed(R, ("g5.xlarge", "p99.huge"))) == {"g5.xlarge"}
    assert asked == ["g5.xlarge,p99.huge", "p99.huge"]


def test_a_silent_price_list_is_an_error(world: World) -> None:
    prices, _ = counting(world)
    world.control({"do": "fault", "operation": "GetProducts", "code": "ThrottlingException"})
    with pytest.raises(CloudError) as caught:
        prices.listed(R, ("g5.xlarge",))
    assert caught.value.fault.kind is FaultKind.THROTTLED
