"""What is on offer: types, zones, prices, images, and the network of a new account."""

import json
from decimal import Decimal
from typing import Any

import pytest

from sim.boto import client
from sim.world import REGIONS, AwsError


@pytest.mark.parametrize("region", REGIONS)
def test_p3_and_the_current_gpus_are_sold_in_every_region(earth: Any, region: str) -> None:
    ec2 = client(earth.world, "ec2", region)
    pages = ec2.get_paginator("describe_instance_types").paginate()
    types = {t["InstanceType"]: t for page in pages for t in page["InstanceTypes"]}
    assert {"p3.2xlarge", "g4dn.xlarge", "g5.xlarge", "p4d.24xlarge"} <= set(types)
    gpu = types["p3.2xlarge"]["GpuInfo"]["Gpus"][0]
    assert (gpu["Name"], gpu["Count"], gpu["MemoryInfo"]["SizeInMiB"]) == ("V100", 1, 16_384)
    assert types["p3.2xlarge"]["VCpuInfo"]["DefaultVCpus"] == 8


def test_zones_sell_different_types(earth: Any) -> None:
    def places(name: str, kind: str) -> list[str]:
        answer = earth.ec2.describe_instance_type_offerings(
            LocationType=kind, Filters=[{"Name": "instance-type", "Values": [name]}]
        )
        return [row["Location"] for row in answer["InstanceTypeOfferings"]]

    zones = ["us-east-1a", "us-east-1c", "us-east-1d", "us-east-1f"]
    assert places("p3.2xlarge", "availability-zone") == zones
    ids = {"use1-az1", "use1-az2", "use1-az5", "use1-az6"}
    assert set(places("p3.2xlarge", "availability-zone-id")) == ids
    assert places("p3.2xlarge", "region") == ["us-east-1"]
    assert places("p9.large", "region") == []


def test_an_unknown_type_by_name_is_an_error_and_by_filter_is_nothing(
    earth: Any, refused: Any
) -> None:
    code, _, words = refused(earth.ec2.describe_instance_types, InstanceTypes=["p9.large"])
    assert code == "InvalidInstanceType"
    assert words == "The following supplied instance types do not exist: [p9.large]"
    where = [{"Name": "instance-type", "Values": ["p3.*"]}]
    found = earth.ec2.describe_instance_types(Filters=where)["InstanceTypes"]
    assert [t["InstanceType"] for t in found] == ["p3.16xlarge", "p3.2xlarge", "p3.8xlarge"]


def test_spot_prices_differ_by_zone_and_stay_below_the_list_price(earth: Any) -> None:
    answer = earth.ec2.describe_spot_price_history(
        InstanceTypes=["p3.2xlarge"], ProductDescriptions=["Linux/UNIX"], StartTime=earth.now
    )
    prices = {p["AvailabilityZone"]: Decimal(p["SpotPrice"]) for p in answer["SpotPriceHistory"]}
    assert set(prices) == {"us-east-1a", "us-east-1c", "us-east-1d", "us-east-1f"}
    assert len(set(prices.values())) > 1
    assert all(Decimal("0.8") < price < Decimal("1.0") for price in prices.values())


def listed(earth: Any, **filters: str) -> list[Any]:
    pricing = client(earth.world, "pricing", "us-east-1")
    where = [{"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in filters.items()]
    pages = pricing.get_paginator("get_products").paginate(ServiceCode="AmazonEC2", Filters=where)
    return [json.loads(text) for page in pages for text in page["PriceList"]]


def test_the_price_list_is_json_within_json_and_has_rows_at_nothing(earth: Any) -> None:
    exact = {
        "instanceType": "p3.2xlarge",
        "regionCode": "eu-west-1",
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "marketoption": "OnDemand",
    }

    def price(product: Any) -> str:
        (term,) = product["terms"]["OnDemand"].values()
        (dimension,) = term["priceDimensions"].values()
        return str(dimension["pricePerUnit"]["USD"])

    (used,) = listed(earth, **exact, capacitystatus="Used")
    assert price(used) == "3.3050000000"
    assert sorted(price(p) for p in listed(earth, **exact)) == [
        "0.0000000000",
        "3.3050000000",
        "3.3050000000",
    ]
    assert listed(earth, instanceType="p9.large") == []


def test_the_price_list_is_served_from_few_regions(earth: Any, refused: Any) -> None:
    elsewhere = client(earth.world, "pricing", "us-west-2")
    assert refused(elsewhere.get_products, ServiceCode="AmazonEC2")[0] == "OptInRequired"


def test_public_parameters_name_the_newest_image_of_the_region(earth: Any) -> None:
    name = (
        "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
    )
    values = set()
    for region in REGIONS:
        ssm, ec2 = client(earth.world, "ssm", region), client(earth.world, "ec2", region)
        value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        (image,) = ec2.describe_images(ImageIds=[value])["Images"]
        assert image["Name"].startswith("Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24")
        assert image["RootDeviceName"] == image["BlockDeviceMappings"][0]["DeviceName"]
        values.add(value)
    assert len(values) == len(REGIONS)


def test_an_unknown_parameter_is_named(earth: Any) -> None:
    ssm = client(earth.world, "ssm", "us-east-1")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name="/aws/service/deeplearning/ami/x86_64/none/latest/ami-id")
    answer = ssm.get_parameters(Names=["/none"])
    assert (answer["Parameters"], answer["InvalidParameters"]) == ([], ["/none"])


def test_the_driver_for_volta_is_found_by_name_alone(earth: Any) -> None:
    image = earth.image("Deep Learning Base Proprietary Nvidia Driver*")
    assert image["Name"].endswith("(Ubuntu 20.04) 20240429")
    assert image["ImageOwnerAlias"] == "amazon"
    by_architecture = earth.ec2.describe_images(
        Owners=["898082745236"],
        Filters=[
            {"Name": "name", "Values": ["*Base*(Ubuntu 24.04)*"]},
            {"Name": "architecture", "Values": ["arm64"]},
            {"Name": "state", "Values": ["available"]},
        ],
    )["Images"]
    assert by_architecture
    assert all("ARM64" in image["Name"] for image in by_architecture)


def test_a_new_account_has_a_default_network_with_a_subnet_in_each_zone(earth: Any) -> None:
    (vpc,) = earth.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    where = [
        {"Name": "vpc-id", "Values": [vpc["VpcId"]]},
        {"Name": "default-for-az", "Values": ["true"]},
    ]
    subnets = earth.ec2.describe_subnets(Filters=where)["Subnets"]
    zones = earth.ec2.describe_availability_zones()["AvailabilityZones"]
    assert [s["AvailabilityZone"] for s in subnets] == [z["ZoneName"] for z in zones]
    assert len(zones) == 6
    regions = earth.ec2.describe_regions(AllRegions=False)["Regions"]
    assert [r["RegionName"] for r in regions] == list(REGIONS)


def test_what_the_world_does_not_know_it_refuses(earth: Any, refused: Any) -> None:
    assert refused(earth.ec2.describe_fleets)[0] == "InvalidAction"
    code, _, words = refused(earth.ec2.describe_vpcs, Filters=[{"Name": "ipv9", "Values": ["x"]}])
    assert code == "InvalidParameterValue"
    assert "the world does not know it" in words
    with pytest.raises(AwsError, match="does not serve ec2 in mars-1"):
        earth.world.call("ec2", "mars-1", "DescribeVpcs", {})
    with pytest.raises(AwsError, match="does not know parameter Colour"):
        earth.world.call("ec2", "us-east-1", "DescribeVpcs", {"Colour": "red"})
