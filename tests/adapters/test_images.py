"""Which AMI is taken: parameters first, names of Amazon's own images as the fallback."""

from typing import Any

import pytest

from adapters.images import SsmImages
from core.faults import CloudError, FaultKind

R = "us-east-1"
OLD, NEW = "2026-01-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z"


class Answers:
    """SSM and EC2 that answer with what a test puts in, in botocore's shapes."""

    def __init__(self, aws: Any) -> None:
        self.parameters: dict[str, str] = {}
        self.images: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.ssm, self.ec2 = aws.client("ssm"), aws.client("ec2")
        for client in (self.ssm, self.ec2):
            client.meta.events.register("before-parameter-build", self._note)
            client.meta.events.register("before-call", self._answer)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.asked.append((model.name, dict(params)))

    def _answer(self, model: Any, **_: Any) -> Any:
        params = self.asked[-1][1]
        meta = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        if model.name == "GetParameters":
            names = [n for n in params["Names"] if n in self.parameters]
            found = [{"Name": n, "Value": self.parameters[n]} for n in sorted(names)]
            return _ok(), {**meta, "Parameters": found}
        if "ImageIds" not in params:
            return _ok(), {**meta, "Images": self.images}
        chosen = [i for i in self.images if i["ImageId"] in params["ImageIds"]]
        if chosen:
            return _ok(), {**meta, "Images": chosen}
        error = {"Error": {"Code": "InvalidAMIID.NotFound", "Message": "no"}}
        return _ok(400), {"ResponseMetadata": {"HTTPStatusCode": 400}, **error}


def _ok(status: int = 200) -> Any:
    return type("Http", (), {"status_code": status})()


def ami(id: str, created: str = NEW, **more: Any) -> dict[str, Any]:
    return {
        "ImageId": id,
        "Name": "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20260601",
        "Architecture": "x86_64",
        "CreationDate": created,
        "State": "available",
        "RootDeviceName": "/dev/sda1",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 75}},
        ],
        **more,
    }


@pytest.fixture
def answers(aws: Any) -> Answers:
    return Answers(aws)


@pytest.fixture
def images(answers: Answers) -> SsmImages:
    return SsmImages(lambda region: answers.ssm, lambda region: answers.ec2)


def test_the_first_parameter_that_resolves_decides(answers: Answers, images: SsmImages) -> None:
    answers.parameters = {"/a": "ami-a", "/b": "ami-b"}
    answers.images = [ami("ami-a"), ami("ami-b")]
    found = images.newest(R, ("/none", "/b", "/a"), ("x*",), "x86_64")
    assert found is not None
    assert (found.id, found.user, found.root_device, found.root_gb) == (
        "ami-b",
        "ubuntu",
        "/dev/sda1",
        75,
    )


def test_a_parameter_that_names_an_image_which_is_gone_is_passed_over(
    answers: Answers, images: SsmImages
) -> None:
    answers.parameters = {"/a": "ami-gone", "/b": "ami-b"}
    answers.images = [ami("ami-b")]
    found = images.newest(R, ("/a", "/b"), (), "x86_64")
    assert found is not None
    assert found.id == "ami-b"


def test_without_a_parameter_the_newest_of_amazon_s_own_is_taken(
    answers: Answers, images: SsmImages
) -> None:
    answers.images = [ami("ami-old", OLD), ami("ami-new", NEW)]
    found = images.newest(R, (), ("Deep Learning *", "Other *"), "arm64")
    assert found is not None
    assert found.id == "ami-new"
    (asked,) = [params for name, params in answers.asked if name == "DescribeImages"]
    assert asked["Owners"] == ["amazon"]
    assert {f["Name"]: f["Values"] for f in asked["Filters"]} == {
        "name": ["Deep Learning *", "Other *"],
        "architecture": ["arm64"],
        "state": ["available"],
    }


def test_more_parameters_than_ssm_takes_in_one_call_are_asked_in_parts(
    answers: Answers, images: SsmImages
) -> None:
    names = tuple(f"/p{n}" for n in range(12))
    answers.parameters = {"/p11": "ami-a"}
    answers.images = [ami("ami-a")]
    found = images.newest(R, names, (), "x86_64")
    assert found is not None
    sizes = [len(p["Names"]) for name, p in answers.asked if name == "GetParameters"]
    assert sizes == [10, 2]


def test_nothing_found_is_none(answers: Answers, images: SsmImages) -> None:
    assert images.newest(R, ("/a",), (), "x86_64") is None
    assert images.newest(R, (), ("x*",), "x86_64") is None
    assert images.by_id(R, "ami-none") is None


def test_of_several_patterns_the_first_that_matches_anything_decides(
    answers: Answers, images: SsmImages
) -> None:
    answers.images = [ami("ami-a", OLD, Name="Ubuntu 24.04 1"), ami("ami-b", NEW, Name="22.04 2")]
    found = images.newest(R, (), ("Ubuntu 24.04*", "22.04*"), "x86_64")
    assert found is not None
    assert found.id == "ami-a"


def test_an_image_given_by_its_id_is_told_whatever_its_state(
    answers: Answers, images: SsmImages
) -> None:
    answers.images = [
        ami("ami-a", State="pending", RootDeviceType="instance-store", Platform="windows"),
        ami("ami-b", BootMode="uefi", Tags=[{"Key": "gpu:user", "Value": "kim"}]),
    ]
    bad, good = images.by_id(R, "ami-a"), images.by_id(R, "ami-b")
    assert bad is not None
    assert good is not None
    assert (bad.state, bad.root_type, bad.windows) == ("pending", "instance-store", True)
    assert (good.state, good.root_type, good.windows) == ("available", "ebs", False)
    assert (good.boot, good.user) == ("uefi", "kim")


@pytest.mark.parametrize(
    ("shown", "licensed"),
    [
        ({}, ""),
        ({"UsageOperation": "RunInstances", "PlatformDetails": "Linux/UNIX"}, ""),
        (
            {"UsageOperation": "RunInstances:0010", "PlatformDetails": "Red Hat Enterprise Linux"},
            "Red Hat Enterprise Linux",
        ),
        ({"UsageOperation": "RunInstances:000g", "PlatformDetails": "SUSE Linux"}, "SUSE Linux"),
        ({"UsageOperation": "RunInstances:00g0"}, "RunInstances:00g0"),
    ],
)
def test_a_system_that_costs_more_than_linux_is_told(
    answers: Answers, images: SsmImages, shown: dict[str, str], licensed: str
) -> None:
    answers.images = [ami("ami-a", **shown)]
    found = images.by_id(R, "ami-a")
    assert found is not None
    assert found.licensed == licensed


def test_a_parameter_that_names_an_image_on_its_way_is_passed_over(
    answers: Answers, images: SsmImages
) -> None:
    answers.parameters = {"/a": "ami-a", "/b": "ami-b"}
    answers.images = [ami("ami-a", State="pending"), ami("ami-b")]
    found = images.newest(R, ("/a", "/b"), (), "x86_64")
    assert found is not None
    assert found.id == "ami-b"


def test_what_was_found_is_taken_for_an_hour_and_nothing_found_is_asked_again(
    answers: Answers,
) -> None:
    now = [0.0]
    images = SsmImages(lambda region: answers.ssm, lambda region: answers.ec2, lambda: now[0])
    assert images.newest(R, ("/a",), (), "x86_64") is None
    answers.parameters, answers.images = {"/a": "ami-a"}, [ami("ami-a")]
    for at in (0, 3599, 3601):
        now[0] = at
        assert images.newest(R, ("/a",), (), "x86_64") is not None
    assert len([name for name, _ in answers.asked if name == "GetParameters"]) == 3


def test_a_refusal_is_told(aws: Any) -> None:
    aws.fail("GetParameters", "AccessDeniedException")
    images = SsmImages(lambda region: aws.client("ssm"), lambda region: aws.client("ec2"))
    with pytest.raises(CloudError) as caught:
        images.newest(R, ("/a",), (), "x86_64")
    assert caught.value.fault.kind is FaultKind.DENIED
