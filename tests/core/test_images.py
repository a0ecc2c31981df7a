"""Images: which one a type needs, who logs in, and how small the disk may be."""

from decimal import Decimal

import pytest

from core import images
from core.images import ImagePlan
from core.model import Gpu, Image, Market, TypeFacts

PUBLIC = "/aws/service/deeplearning/ami/x86_64"
OSS = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20261101"
OLD = "Deep Learning Base Proprietary Nvidia Driver GPU AMI (Amazon Linux 2) Version 73.1"


def kind(name: str, *, arch: str = "x86_64", maker: str = "NVIDIA", count: str = "1") -> TypeFacts:
    gpu = Gpu(name="GPU", maker=maker, count=Decimal(count), memory_mib=16384) if maker else None
    return TypeFacts(
        name=name, vcpus=8, memory_mib=1, architecture=arch, gpu=gpu, markets=frozenset(Market)
    )


def image(name: str = OSS, *, arch: str = "x86_64", root_gb: int = 45) -> Image:
    return Image(
        id="ami-0123456789abcdef0",
        name=name,
        architecture=arch,
        root_device="/dev/sda1",
        root_gb=root_gb,
        user="ubuntu",
    )


def test_the_base_image_is_found_by_parameter_the_newest_system_first() -> None:
    assert images.plan(kind("g5.xlarge"), "base") == ImagePlan(
        parameters=(
            f"{PUBLIC}/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id",
            f"{PUBLIC}/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
        ),
        patterns=(
            "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04)*",
            "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)*",
        ),
        architecture="x86_64",
    )


def test_arm_has_images_of_its_own() -> None:
    found = images.plan(kind("g5g.xlarge", arch="arm64"), "base")
    assert isinstance(found, ImagePlan)
    assert found.architecture == "arm64"
    assert all("/arm64/" in parameter for parameter in found.parameters)
    assert all(pattern.startswith("Deep Learning ARM64 ") for pattern in found.patterns)


@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_no_version_of_pytorch_is_written_down(arch: str) -> None:
    found = images.plan(kind("g5.xlarge", arch=arch), "pytorch")
    assert isinstance(found, ImagePlan)
    assert found.parameters == ()
    assert all("PyTorch 2.*" in pattern for pattern in found.patterns)


@pytest.mark.parametrize("name", ["p3.2xlarge", "p2.xlarge", "p3dn.24xlarge", "g3s.xlarge"])
@pytest.mark.parametrize("wish", ["base", "pytorch"])
def test_volta_and_older_get_the_proprietary_driver_by_name(name: str, wish: str) -> None:
    found = images.plan(kind(name), wish)
    assert isinstance(found, ImagePlan)
    assert found.parameters == ()
    assert all("Proprietary Nvidia Driver" in pattern for pattern in found.patterns)


@pytest.mark.parametrize(
    ("wanted", "wish", "word"),
    [
        (kind("t3.micro", maker=""), "base", "NVIDIA"),
        (kind("g4ad.xlarge", maker="AMD"), "base", "NVIDIA"),
        (kind("trn1.2xlarge", maker=""), "pytorch", "NVIDIA"),
        (kind("g6f.large", count="0.125"), "base", "GRID"),
        (kind("g5.xlarge"), "my-model", "my-model"),
    ],
)
def test_where_there_is_no_image_a_sentence_says_so(
    wanted: TypeFacts, wish: str, word: str
) -> None:
    said = images.plan(wanted, wish)
    assert isinstance(said, str)
    assert word in said
    assert "ami-" in said


def test_the_right_image_passes() -> None:
    assert images.check(image(OSS), kind("g5.xlarge")) is None
    assert images.check(image(OLD), kind("p3.2xlarge")) is None
    assert images.check(image("our own image"), kind("p3.2xlarge")) is None
    assert images.check(image("our own image"), kind("trn1.2xlarge", maker="")) is None


@pytest.mark.parametrize(
    ("picture", "wanted", "word"),
    [
        (image(arch="arm64"), kind("g5.xlarge"), "arm64"),
        (image(), kind("g5g.xlarge", arch="arm64"), "x86_64"),
        (image(OSS), kind("p3.2xlarge"), "open driver"),
        (image(OLD), kind("p6-b200.48xlarge"), "proprietary driver"),
        (image(OLD), kind("g7e.2xlarge"), "proprietary driver"),
    ],
)
def test_the_wrong_image_is_refused_with_the_reason(
    picture: Image, wanted: TypeFacts, word: str
) -> None:
    said = images.check(picture, wanted)
    assert said is not None
    assert word in said
    assert wanted.name in said


@pytest.mark.parametrize(
    ("root", "wished", "default", "gb"),
    [
        (45, None, 50, 50),
        (75, None, 50, 75),
        (45, 100, 50, 100),
        (45, 45, 50, 45),
        (45, 16384, 50, 16384),
    ],
)
def test_a_disk_is_never_smaller_than_the_image(
    root: int, wished: int | None, default: int, gb: int
) -> None:
    assert images.disk(image(root_gb=root), wished, default) == gb


@pytest.mark.parametrize(("wished", "word"), [(44, "at least 45"), (0, "45"), (16385, "16,384")])
def test_a_disk_that_cannot_be_is_refused_with_the_size_that_can(wished: int, word: str) -> None:
    said = images.disk(image(root_gb=45), wished, 50)
    assert isinstance(said, str)
    assert word in said


@pytest.mark.parametrize(
    ("name", "user"),
    [
        (OSS, "ubuntu"),
        (OLD, "ec2-user"),
        ("Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023) 20261101", "ec2-user"),
        ("al2023-ami-2023.9.20261101.0-kernel-6.1-x86_64", "ec2-user"),
        ("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261101", "ubuntu"),
        ("debian-13-amd64-20261101", "admin"),
        ("Rocky-10-EC2-Base", "rocky"),
        ("something", "ec2-user"),
        ("", "ec2-user"),
    ],
)
def test_the_name_of_an_image_tells_who_logs_in(name: str, user: str) -> None:
    assert images.user_of(name) == user
