"""RunInstances refuses what EC2 refuses, in EC2's words, and sells what EC2 sells."""

from typing import Any

import pytest

SPOT = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}


def test_a_new_account_has_no_gpu_quota(earth: Any, refused: Any) -> None:
    code, status, words = refused(earth.ec2.run_instances, **earth.request())
    assert (code, status) == ("VcpuLimitExceeded", 400)
    assert "your current vCPU limit of 0 allows" in words
    spot = earth.request(InstanceMarketOptions=SPOT)
    assert refused(earth.ec2.run_instances, **spot)[0] == "MaxSpotInstanceCountExceeded"


def test_vcpus_are_counted_per_family_and_market(earth: Any, refused: Any) -> None:
    earth.allow(16)
    earth.run()
    earth.run()
    assert refused(earth.ec2.run_instances, **earth.request())[0] == "VcpuLimitExceeded"
    assert earth.run(InstanceMarketOptions=SPOT)["InstanceLifecycle"] == "spot"


def test_a_launch_takes_as_many_as_the_quota_allows(earth: Any) -> None:
    earth.allow(24)
    answer = earth.ec2.run_instances(**earth.request(MinCount=1, MaxCount=5))
    assert len(answer["Instances"]) == 3
    assert [i["AmiLaunchIndex"] for i in answer["Instances"]] == [0, 1, 2]


def test_the_same_token_and_words_give_the_same_instance(earth: Any) -> None:
    earth.allow()
    first, again = earth.run(ClientToken="t1"), earth.run(ClientToken="t1")
    assert first["InstanceId"] == again["InstanceId"]
    assert earth.world.state()["counts"]["instances"] == 1


def test_the_same_token_with_other_words_is_a_mismatch(earth: Any, refused: Any) -> None:
    earth.allow()
    earth.run(ClientToken="t1")
    other = earth.request(ClientToken="t1", InstanceType="p3.8xlarge")
    assert refused(earth.ec2.run_instances, **other)[0] == "IdempotentParameterMismatch"


def test_the_same_token_in_another_zone_buys_another_machine(earth: Any) -> None:
    earth.allow()
    first = earth.run(ClientToken="t1")
    second = earth.run(ClientToken="t1", SubnetId=earth.subnet("us-east-1c"))
    assert first["InstanceId"] != second["InstanceId"]


def test_a_token_whose_instance_is_gone_says_so_and_is_forgotten_in_the_end(
    earth: Any, refused: Any
) -> None:
    earth.allow()
    first = earth.run(ClientToken="t1")
    earth.ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    again = earth.request(ClientToken="t1")
    assert refused(earth.ec2.run_instances, **again)[0] == "IdempotentInstanceTerminated"
    earth.passes(86_410)
    assert earth.run(ClientToken="t1")["InstanceId"] != first["InstanceId"]


def test_a_refused_call_does_not_use_up_its_token(earth: Any) -> None:
    earth.allow()
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a")
    with pytest.raises(earth.ec2.exceptions.ClientError):
        earth.run(ClientToken="t1")
    earth.control("free-zone", region="us-east-1", zone="us-east-1a")
    assert earth.run(ClientToken="t1")["ClientToken"] == "t1"


def test_boto_gives_a_call_without_a_token_one_of_its_own(earth: Any) -> None:
    earth.allow()
    assert earth.run()["InstanceId"] != earth.run()["InstanceId"]


def test_a_full_zone_names_the_zones_that_have_room(earth: Any, refused: Any) -> None:
    earth.allow()
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a", instance_type="p3.2xlarge")
    code, status, words = refused(earth.ec2.run_instances, **earth.request())
    assert (code, status) == ("InsufficientInstanceCapacity", 500)
    assert words.endswith("or choosing us-east-1c, us-east-1d, us-east-1f.")
    assert earth.run(InstanceType="p3.8xlarge")


def test_a_zone_can_be_full_for_spot_alone(earth: Any, refused: Any) -> None:
    earth.allow()
    earth.control("fill-zone", region="us-east-1", market="spot")
    spot = earth.request(InstanceMarketOptions=SPOT)
    code, status, words = refused(earth.ec2.run_instances, **spot)
    assert (code, status) == ("InsufficientInstanceCapacity", 500)
    assert words == "There is no Spot capacity available that matches your request."
    assert earth.run()["State"]["Name"] == "pending"


def test_without_a_zone_ec2_takes_one_that_has_room(earth: Any) -> None:
    earth.allow()
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a")
    request = earth.request()
    del request["SubnetId"]
    found = earth.ec2.run_instances(**request)["Instances"][0]
    assert found["Placement"]["AvailabilityZone"] == "us-east-1c"


def test_a_zone_that_does_not_sell_the_type_is_unsupported(earth: Any, refused: Any) -> None:
    earth.allow()
    elsewhere = earth.request(SubnetId=earth.subnet("us-east-1b"))
    code, _, words = refused(earth.ec2.run_instances, **elsewhere)
    assert code == "Unsupported"
    assert "choosing us-east-1a, us-east-1c, us-east-1d, us-east-1f" in words


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"InstanceType": "p9.large"}, "InvalidParameterValue"),
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "ubuntu"}, "InvalidAMIID.Malformed"),
        ({"KeyName": "nobody"}, "InvalidKeyPair.NotFound"),
        ({"SecurityGroupIds": ["sg-00000000"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-0"}, "InvalidSubnetID.NotFound"),
        ({"MinCount": 2}, "InvalidParameterValue"),
        ({"UserData": "x" * 16_385}, "InvalidParameterValue"),
        ({"ClientToken": "x" * 65}, "InvalidParameterValue"),
        ({"MetadataOptions": {"HttpPutResponseHopLimit": 65}}, "InvalidParameterValue"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0}]}, "InvalidParameterCombination"),
        ({"Monitoring": {"Enabled": True}}, "InvalidParameterValue"),
        (
            {"InstanceMarketOptions": {**SPOT, "SpotOptions": {"MaxPrice": "0.01"}}},
            "SpotMaxPriceTooLow",
        ),
        (
            {
                "InstanceMarketOptions": {
                    **SPOT,
                    "SpotOptions": {"InstanceInterruptionBehavior": "stop"},
                }
            },
            "InvalidParameterCombination",
        ),
        (
            {"TagSpecifications": [{"ResourceType": "spot-instances-request", "Tags": []}]},
            "InvalidParameterValue",
        ),
    ],
)
def test_a_wrong_word_is_refused_with_ec2s_code(
    earth: Any, refused: Any, words: dict[str, Any], code: str
) -> None:
    earth.allow()
    assert refused(earth.ec2.run_instances, **earth.request(**words))[0] == code
    assert earth.world.state()["counts"]["instances"] == 0


def test_an_image_for_another_processor_is_refused(earth: Any, refused: Any) -> None:
    earth.allow()
    arm = earth.image("Deep Learning ARM64 Base OSS*")["ImageId"]
    code, _, words = refused(earth.ec2.run_instances, **earth.request(ImageId=arm))
    assert code == "InvalidParameterValue"
    assert "'arm64' of the specified AMI" in words


def test_a_root_disk_below_the_snapshot_is_refused(earth: Any, refused: Any) -> None:
    earth.allow()
    small = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20}}]
    request = earth.request(BlockDeviceMappings=small)
    code, _, words = refused(earth.ec2.run_instances, **request)
    assert code == "InvalidBlockDeviceMapping"
    assert words.startswith("Volume of size 20GB is smaller than snapshot 'snap-")
    assert words.endswith("expect size >= 45GB")


def test_a_tag_that_metadata_cannot_show_is_refused(earth: Any, refused: Any) -> None:
    earth.allow()

    def tagged(key: str) -> dict[str, Any]:
        tags = [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": "1"}]}]
        options = {"InstanceMetadataTags": "enabled"}
        return dict(earth.request(TagSpecifications=tags, MetadataOptions=options))

    assert refused(earth.ec2.run_instances, **tagged("a b"))[0] == "InvalidParameterValue"
    assert earth.ec2.run_instances(**tagged("gpu:deadline"))["Instances"]


def test_a_dry_run_checks_and_buys_nothing(earth: Any, refused: Any) -> None:
    dry = earth.request(DryRun=True)
    assert refused(earth.ec2.run_instances, **dry)[:2] == ("DryRunOperation", 412)
    wrong = earth.request(DryRun=True, KeyName="nobody")
    assert refused(earth.ec2.run_instances, **wrong)[0] == "InvalidKeyPair.NotFound"
    assert earth.world.state()["counts"]["instances"] == 0


def test_tags_land_on_everything_that_the_launch_brings(earth: Any) -> None:
    earth.allow()
    kinds = ("instance", "volume", "network-interface", "spot-instances-request")
    tags = [{"Key": "gpu:machine", "Value": "m-1"}]
    specs = [{"ResourceType": kind, "Tags": tags} for kind in kinds]
    earth.run(TagSpecifications=specs, InstanceMarketOptions=SPOT)
    earth.passes(2)
    where = [{"Name": "tag:gpu:machine", "Values": ["m-1"]}]
    rows = earth.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["gpu:machine"]}])["Tags"]
    assert {row["ResourceType"] for row in rows} == set(kinds)
    assert len(earth.ec2.describe_volumes(Filters=where)["Volumes"]) == 1
    assert len(earth.ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]) == 1
    found = earth.ec2.describe_spot_instance_requests(Filters=where)["SpotInstanceRequests"]
    assert [request["State"] for request in found] == ["active"]


def test_the_disk_is_as_it_was_asked_for(earth: Any) -> None:
    earth.allow()
    ebs = {"VolumeSize": 80, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
    earth.run(BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": ebs}])
    earth.passes(2)
    (volume,) = earth.ec2.describe_volumes()["Volumes"]
    assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (80, "gp3", True)
    assert (volume["Iops"], volume["Throughput"], volume["State"]) == (3000, 125, "in-use")


def test_an_image_can_be_named_by_its_parameter(earth: Any) -> None:
    earth.allow()
    name = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04"
    found = earth.run(ImageId=f"resolve:ssm:{name}/latest/ami-id")
    assert found["ImageId"] == earth.image("Deep Learning Base OSS*(Ubuntu 24.04)*")["ImageId"]
