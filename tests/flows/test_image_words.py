"""Which image a launch gets for its type, and what is said where there is none."""

from datetime import timedelta

import pytest

from core.model import State
from sim.town import Town

HOME = "us-east-1"


def town() -> Town:
    here = Town()
    here.ready_to_launch()
    here.with_quota(HOME, 512)
    return here


@pytest.mark.parametrize(
    ("wish", "image", "user"),
    [
        ("g5.xlarge", "Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20261106", "ubuntu"),
        ("g5g.xlarge", "ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04)", "ubuntu"),
        ("g5.xlarge image ubuntu-22.04", "Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)", "ubuntu"),
        ("g5.xlarge image amazon-linux", "GPU AMI (Amazon Linux 2023)", "ec2-user"),
        ("g5.xlarge image pytorch", "GPU PyTorch 2.12 (Ubuntu 24.04)", "ubuntu"),
        ("g5g.xlarge image pytorch", "ARM64 AMI OSS Nvidia Driver GPU PyTorch 2.12", "ubuntu"),
        ("g5.xlarge image pytorch-amazon-linux", "PyTorch 2.12 (Amazon Linux 2023)", "ec2-user"),
        ("p3.2xlarge", "Proprietary Nvidia Driver GPU AMI (Ubuntu 20.04) 20240429", "ubuntu"),
        ("trn1.2xlarge", "Base Neuron AMI (Ubuntu 24.04)", "ubuntu"),
        ("inf2.xlarge image neuron", "AMI Neuron (Ubuntu 24.04)", "ubuntu"),
        ("f2.6xlarge image plain-ubuntu", "ubuntu-noble-24.04-amd64", "ubuntu"),
        ("f2.6xlarge image plain-amazon-linux", "al2023-ami", "ec2-user"),
    ],
)
def test_each_type_gets_the_image_that_suits_it(wish: str, image: str, user: str) -> None:
    here = town()
    here.type(f"launch {wish} in us-east-1")
    here.until_quiet()
    m = here.machine()
    assert m.state is State.RUNNING, here.card().text
    assert m.image is not None
    assert image in m.image.name
    assert m.image.user == user


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("g6f.large", "a part of a GPU"),
        ("f2.6xlarge", "has Xilinx"),
        ("inf1.xlarge", "Inferentia 1"),
    ],
)
def test_what_no_driver_image_suits_is_refused_plainly_and_goes_on_with_a_plain_one(
    kind: str, words: str
) -> None:
    here = town()
    here.type(f"launch {kind} in us-east-1")
    assert here.machine().state is State.HELD
    assert words in here.card().text
    assert "[With image plain-ubuntu]" in here.card().text
    assert here.counts()["instances"] == 0
    here.press(here.card(), "choose-0")
    here.until_quiet()
    assert here.machine().state is State.RUNNING


def test_an_image_given_by_its_id_is_checked() -> None:
    here = town()
    arm = here.house.images.newest(HOME, (), ("Deep Learning ARM64 Base OSS*24.04*",), "arm64")
    assert arm is not None
    here.type(f"launch g5.xlarge in us-east-1 image {arm.id}")
    assert "is for arm64, but g5.xlarge is x86_64" in here.card().text
    here.pass_time(timedelta(minutes=1))
    here.type("launch g5.xlarge in us-east-1 image ami-0123456789abcdef0")
    assert "There is no image ami-0123456789abcdef0 in us-east-1" in here.card().text
    assert here.counts()["instances"] == 0


def test_where_no_region_was_said_the_image_decides() -> None:
    here = town()
    base = here.house.images.newest("us-west-2", (), ("Deep Learning Base OSS*24.04*",), "x86_64")
    assert base is not None
    here.with_quota("us-west-2")
    here.type(f"launch g5.xlarge image {base.id}")
    here.until_quiet()
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert m.placement.region == "us-west-2"
