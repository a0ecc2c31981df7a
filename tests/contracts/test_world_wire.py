"""The world says the same in process and over HTTP, and where moto is faithful, so does moto."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from sandbox.ec2_wire import app
from sim.boto import client
from sim.direct import Direct
from sim.world import Settings, World

KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm"
BOTO: Any = boto3.client  # any service by its name, which the stubs do not allow for
CREDENTIALS = {"aws_access_key_id": "world", "aws_secret_access_key": "world"}
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
Clients = Callable[[str], Any]


def _world() -> World:
    at_once = ("pending", "visible_after", "checks", "quota_decision", "terminate", "console")
    settings = Settings(**dict.fromkeys(at_once, 0))
    return World(lambda: datetime.now(UTC), settings=settings)


@contextmanager
def _served(world: World) -> Iterator[str]:
    """The world on a free port of 127.0.0.1, ended with the test."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio then sends without delay
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(
        uvicorn.Config(app(world), log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _over_http(url: str) -> Clients:
    once = Config(retries={"total_max_attempts": 1}, read_timeout=5)
    return lambda service: BOTO(
        service, region_name="us-east-1", endpoint_url=url, config=once, **CREDENTIALS
    )


@contextmanager
def _clients(kind: str) -> Iterator[Clients]:
    if kind == "in process":
        world = _world()
        yield lambda service: client(world, service, "us-east-1")
    elif kind == "straight":
        world = _world()
        yield lambda service: Direct(world, service, "us-east-1")
    elif kind == "over http":
        with _served(_world()) as url:
            yield _over_http(url)
    else:
        with mock_aws():
            yield lambda service: BOTO(service, region_name="us-east-1", **CREDENTIALS)


@pytest.fixture(params=["in process", "straight", "over http"])
def world(request: pytest.FixtureRequest) -> Iterator[Clients]:
    with _clients(request.param) as clients:
        yield clients


@pytest.fixture(params=["in process", "straight", "over http", "moto"])
def everywhere(request: pytest.FixtureRequest) -> Iterator[Any]:
    with _clients(request.param) as clients:
        yield clients("ec2")


def code(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


# ---- groups, keys and tags: moto agrees ---------------------------------------------------------


def test_groups_live_and_die_alike(everywhere: Any) -> None:
    words = {"GroupName": "gpu-m-1", "Description": "d"}
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "gpu:stack", "Value": "gpu"}]}]
    id = everywhere.create_security_group(**words, TagSpecifications=tags)["GroupId"]
    assert code(everywhere.create_security_group, **words) == "InvalidGroup.Duplicate"
    where = [{"Name": "tag:gpu:stack", "Values": ["gpu"]}]
    (found,) = everywhere.describe_security_groups(Filters=where)["SecurityGroups"]
    assert (found["GroupId"], found["GroupName"], found["IpPermissions"]) == (id, "gpu-m-1", [])
    assert found["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    everywhere.delete_security_group(GroupId=id)
    assert code(everywhere.delete_security_group, GroupId=id) == "InvalidGroup.NotFound"
    assert code(everywhere.describe_security_groups, GroupIds=[id]) == "InvalidGroup.NotFound"


def test_rules_come_and_go_alike(everywhere: Any) -> None:
    id = everywhere.create_security_group(GroupName="g", Description="d")["GroupId"]
    ranges = [{"CidrIp": "8.8.8.8/32", "Description": "ada"}]
    rule = {"GroupId": id, "IpPermissions": [{**SSH, "IpRanges": ranges}]}
    everywhere.authorize_security_group_ingress(**rule)
    again = code(everywhere.authorize_security_group_ingress, **rule)
    assert again == "InvalidPermission.Duplicate"
    (shape,) = everywhere.describe_security_groups(GroupIds=[id])["SecurityGroups"]
    (permission,) = shape["IpPermissions"]
    assert permission["IpRanges"] == ranges
    assert (permission["IpProtocol"], permission["FromPort"]) == ("tcp", 22)
    everywhere.revoke_security_group_ingress(**rule)
    gone = code(everywhere.revoke_security_group_ingress, **rule)
    assert gone == "InvalidPermission.NotFound"


def test_keys_come_and_go_alike(everywhere: Any) -> None:
    made = everywhere.import_key_pair(KeyName="k", PublicKeyMaterial=KEY)
    again = code(everywhere.import_key_pair, KeyName="k", PublicKeyMaterial=KEY)
    assert again == "InvalidKeyPair.Duplicate"
    (found,) = everywhere.describe_key_pairs(KeyNames=["k"])["KeyPairs"]
    assert found["KeyPairId"] == made["KeyPairId"]
    assert found["KeyFingerprint"] == made["KeyFingerprint"]
    bad = code(everywhere.import_key_pair, KeyName="x", PublicKeyMaterial=b"ssh-ed25519 AAAA")
    # moto gives the other of the two codes that EC2 documents for it.
    assert bad in ("InvalidKey.Format", "InvalidKeyPair.Format")
    everywhere.delete_key_pair(KeyName="k")
    assert code(everywhere.describe_key_pairs, KeyNames=["k"]) == "InvalidKeyPair.NotFound"


def test_tags_are_changed_alike(everywhere: Any) -> None:
    id = everywhere.create_security_group(GroupName="g", Description="d")["GroupId"]
    for value in ("1", "2"):
        everywhere.create_tags(Resources=[id], Tags=[{"Key": "gpu:deadline", "Value": value}])
    where = [{"Name": "resource-id", "Values": [id]}]
    (row,) = everywhere.describe_tags(Filters=where)["Tags"]
    assert (row["Key"], row["Value"], row["ResourceType"]) == (
        "gpu:deadline",
        "2",
        "security-group",
    )
    everywhere.delete_tags(Resources=[id], Tags=[{"Key": "gpu:deadline"}])
    assert everywhere.describe_tags(Filters=where)["Tags"] == []


def test_the_default_network_looks_alike(everywhere: Any) -> None:
    where = [{"Name": "is-default", "Values": ["true"]}]
    (vpc,) = everywhere.describe_vpcs(Filters=where)["Vpcs"]
    assert vpc["IsDefault"] is True
    subnets = everywhere.describe_subnets(
        Filters=[
            {"Name": "vpc-id", "Values": [vpc["VpcId"]]},
            {"Name": "default-for-az", "Values": ["true"]},
        ]
    )["Subnets"]
    assert {s["AvailabilityZone"] for s in subnets} == {f"us-east-1{letter}" for letter in "abcdef"}


# ---- what only the world knows ------------------------------------------------------------------


def _request(ec2: Any, **words: Any) -> dict[str, Any]:
    pattern = "Deep Learning Base Proprietary Nvidia Driver*"
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": [pattern]}])["Images"][-1]
    tags = [{"Key": "gpu:machine", "Value": "m-1"}, {"Key": "Name", "Value": "füchsin & <co>"}]
    return {
        "ImageId": image["ImageId"],
        "InstanceType": "p3.2xlarge",
        "MinCount": 1,
        "MaxCount": 1,
        "UserData": "#cloud-config\n",
        "ClientToken": "m-1-1",
        "InstanceMarketOptions": {"MarketType": "spot"},
        "MetadataOptions": {"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 50, "Encrypted": True}}
        ],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")
        ],
        **words,
    }


def test_a_whole_life_is_told_alike(world: Clients) -> None:
    ec2, quotas = world("ec2"), world("service-quotas")
    assert code(ec2.run_instances, **_request(ec2)) == "MaxSpotInstanceCountExceeded"
    spot = {"ServiceCode": "ec2", "QuotaCode": "L-7212CCBC"}
    asked = quotas.request_service_quota_increase(**spot, DesiredValue=8)["RequestedQuota"]
    assert asked["Status"] == "PENDING"
    assert quotas.get_service_quota(**spot)["Quota"]["Value"] == 8.0
    made = ec2.run_instances(**_request(ec2))["Instances"][0]
    again = ec2.run_instances(**_request(ec2))["Instances"][0]
    assert again["InstanceId"] == made["InstanceId"]
    other = _request(ec2, InstanceType="p3.8xlarge")
    assert code(ec2.run_instances, **other) == "IdempotentParameterMismatch"
    where = [{"Name": "tag:gpu:machine", "Values": ["m-1"]}]
    (found,) = ec2.describe_instances(Filters=where)["Reservations"][0]["Instances"]
    assert found["State"] == {"Code": 16, "Name": "running"}
    assert {t["Key"]: t["Value"] for t in found["Tags"]}["Name"] == "füchsin & <co>"
    assert found["LaunchTime"].tzinfo is not None
    (status,) = ec2.describe_instance_status(InstanceIds=[made["InstanceId"]])["InstanceStatuses"]
    assert status["SystemStatus"]["Status"] == "ok"
    printed = ec2.get_console_output(InstanceId=made["InstanceId"])["Output"]
    assert "-----BEGIN SSH HOST KEY FINGERPRINTS-----" in printed
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    assert ec2.describe_volumes()["Volumes"] == []
    assert code(ec2.run_instances, **_request(ec2)) == "IdempotentInstanceTerminated"


def test_typed_errors_come_through_alike(world: Clients) -> None:
    quotas, ssm = world("service-quotas"), world("ssm")
    with pytest.raises(quotas.exceptions.IllegalArgumentException):
        quotas.request_service_quota_increase(
            ServiceCode="ec2", QuotaCode="L-7212CCBC", DesiredValue=0
        )
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-0")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name="/none")
    assert code(world("ec2").describe_fleets) == "InvalidAction"


def test_prices_and_pages_come_through_alike(world: Clients) -> None:
    ec2, pricing = world("ec2"), world("pricing")
    pages = ec2.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 20})
    names = [t["InstanceType"] for page in pages for t in page["InstanceTypes"]]
    assert len(names) == len(set(names)) > 60
    rows = ec2.describe_spot_price_history(
        InstanceTypes=["p3.2xlarge"],
        ProductDescriptions=["Linux/UNIX"],
        StartTime=datetime.now(UTC),
    )["SpotPriceHistory"]
    assert {row["SpotPrice"] for row in rows} >= {"0.862900"}
    assert all(row["Timestamp"].tzinfo is not None for row in rows)
    where = [
        {"Type": "TERM_MATCH", "Field": "instanceType", "Value": "g5.xlarge"},
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"},
        {"Type": "TERM_MATCH", "Field": "capacitystatus", "Value": "Used"},
    ]
    (product,) = pricing.get_products(ServiceCode="AmazonEC2", Filters=where)["PriceList"]
    assert '"USD": "1.0060000000"' in product


def test_the_bill_comes_through_alike(world: Clients) -> None:
    today = datetime.now(UTC).date()
    (day,) = world("ce").get_cost_and_usage(
        TimePeriod={"Start": f"{today - timedelta(days=1)}", "End": f"{today}"},
        Granularity="DAILY",
        Metrics=["UnblendedCost"],
        Filter={"Tags": {"Key": "gpu:stack", "Values": ["gpu"]}},
    )["ResultsByTime"]
    assert day["TimePeriod"]["End"] == f"{today}"
    assert day["Total"]["UnblendedCost"] == {"Amount": "0.0000000000", "Unit": "USD"}


# ---- the wire alone -----------------------------------------------------------------------------


def test_no_capacity_is_an_http_500_on_the_wire_and_botocore_retries_it() -> None:
    world = _world()
    world.control({"do": "set-quota", "region": "us-east-1", "code": "L-7212CCBC", "value": 64})
    world.control({"do": "fill-zone", "region": "us-east-1"})
    with _served(world) as url:
        standard = Config(retries={"mode": "standard", "total_max_attempts": 2})
        ec2 = BOTO("ec2", region_name="us-east-1", endpoint_url=url, config=standard, **CREDENTIALS)
        with pytest.raises(ClientError) as caught:
            ec2.run_instances(**_request(ec2))
    answer = caught.value.response
    assert answer["Error"]["Code"] == "InsufficientInstanceCapacity"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_lost_reply_on_the_wire_is_silence() -> None:
    world = _world()
    world.control(
        {"do": "fault", "operation": "CreateSecurityGroup", "code": "timeout-with-effect"}
    )
    with _served(world) as url:
        once = Config(retries={"total_max_attempts": 1}, read_timeout=0.3)
        ec2 = BOTO("ec2", region_name="us-east-1", endpoint_url=url, config=once, **CREDENTIALS)
        with pytest.raises(ReadTimeoutError):
            ec2.create_security_group(GroupName="g", Description="d")
    assert world.state()["counts"]["groups"] == 1


def test_regions_are_told_apart_by_the_signature() -> None:
    with _served(_world()) as url:
        ireland = BOTO("ec2", region_name="eu-west-1", endpoint_url=url, **CREDENTIALS)
        zones = ireland.describe_availability_zones()["AvailabilityZones"]
        assert {zone["ZoneName"] for zone in zones} == {f"eu-west-1{letter}" for letter in "abc"}
        mars = BOTO("ec2", region_name="mars-1", endpoint_url=url, **CREDENTIALS)
        assert code(mars.describe_vpcs) == "OptInRequired"


def test_what_cannot_be_understood_is_refused_in_words() -> None:
    httpx = pytest.importorskip("httpx")
    scope = "AWS4-HMAC-SHA256 Credential=x/20261124/us-east-1/{}/aws4_request"
    with _served(_world()) as url:
        unsigned = httpx.post(url, content=b"Action=DescribeVpcs")
        assert (unsigned.status_code, "MissingAuthenticationToken" in unsigned.text) == (403, True)
        headers = {"authorization": scope.format("rds")}
        assert httpx.post(url, headers=headers).json()["__type"] == "InvalidAction"
        headers = {"authorization": scope.format("ssm"), "x-amz-target": "AmazonSSM.GetParameter"}
        broken = httpx.post(url, headers=headers, content=b"{broken")
        assert broken.json()["__type"] == "MalformedInput"
        headers = {"authorization": scope.format("ec2")}
        words = b"Action=RunInstances&Version=2016-11-15&MinCount=one"
        assert "<Code>MalformedInput</Code>" in httpx.post(url, headers=headers, content=words).text
        huge = httpx.post(url, headers=headers, content=b"x" * 1_000_001)
        assert huge.status_code == 413
        assert httpx.get(f"{url}/_world/health").json()["ok"] is True


# ---- bad days -----------------------------------------------------------------------------------


def test_the_default_vpc_is_public_alike(everywhere: Any) -> None:
    """Where it leads out is in its main route table; moto's own VPC has no gateway."""
    vpc = everywhere.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    where = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    tables = everywhere.describe_route_tables(Filters=where)["RouteTables"]
    assert any(a.get("Main") for table in tables for a in table["Associations"])
    assert all(r["State"] == "active" for table in tables for r in table["Routes"])
    subnets = everywhere.describe_subnets(Filters=where)["Subnets"]
    assert all(s["DefaultForAz"] and s["AvailableIpAddressCount"] > 0 for s in subnets)
    assert code(everywhere.create_default_vpc) == "DefaultVpcAlreadyExists"


def test_an_unknown_reason_is_refused_in_the_words_of_sts(world: Clients) -> None:
    sts = world("sts")
    assert code(sts.decode_authorization_message, EncodedMessage="x" * 40) == (
        "InvalidAuthorizationMessageException"
    )


# ---- images of one's own ------------------------------------------------------------------------


def test_an_image_is_made_shown_copied_and_removed(world: Clients) -> None:
    ec2 = world("ec2")
    public = ec2.describe_images(
        Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023*x*"]}]
    )
    launch = {"InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    answer = ec2.run_instances(ImageId=public["Images"][0]["ImageId"], **launch)
    instance = answer["Instances"][0]["InstanceId"]
    ec2.describe_instances()  # time passes, and it runs
    marks = [{"Key": "gpu:image", "Value": "bert-env"}]
    tags = [{"ResourceType": kind, "Tags": marks} for kind in ("image", "snapshot")]
    words = {"InstanceId": instance, "Name": "bert", "NoReboot": True, "TagSpecifications": tags}
    id = ec2.create_image(**words)["ImageId"]
    assert code(ec2.create_image, **words) == "InvalidAMIName.Duplicate"
    (shown,) = ec2.describe_images(Owners=["self"])["Images"]
    assert (shown["ImageId"], shown["State"], shown["Tags"]) == (id, "pending", marks)
    snapshot = shown["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    assert code(ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    assert code(ec2.run_instances, ImageId=id, **launch) == "InvalidAMIID.Unavailable"
    copy = {"Name": "copy", "SourceImageId": id, "SourceRegion": "us-east-1"}
    assert code(ec2.copy_image, **copy) == "InvalidRequest"
    ec2.deregister_image(ImageId=id)
    assert code(ec2.deregister_image, ImageId=id) == "InvalidAMIID.NotFound"
    ec2.delete_snapshot(SnapshotId=snapshot)
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
