"""Images: which one a type needs, who logs in, and how small the disk may be."""

from dataclasses import replace
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
        (kind("t3.micro", maker=""), "base", "has none"),
        (kind("g4ad.xlarge", maker="AMD"), "base", "has AMD"),
        (kind("f2.6xlarge", maker="Xilinx"), "base", "has Xilinx"),
        (kind("vt1.3xlarge", maker="Xilinx"), "pytorch", "has Xilinx"),
        (kind("dl2q.24xlarge", maker="Qualcomm"), "base", "has Qualcomm"),
        (kind("inf1.xlarge", maker="AWS"), "base", "Inferentia 1"),
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


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("base", ["ubuntu-24.04", "ubuntu-22.04"]),
        ("ubuntu-24.04", ["ubuntu-24.04"]),
        ("ubuntu", ["ubuntu-24.04"]),
        ("ubuntu-22.04", ["ubuntu-22.04"]),
        ("amazon-linux", ["amazon-linux-2023"]),
        ("al2023", ["amazon-linux-2023"]),
    ],
)
@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_a_system_may_be_said(word: str, names: list[str], arch: str) -> None:
    found = images.plan(kind("g5.xlarge", arch=arch), word)
    assert isinstance(found, ImagePlan)
    prefix = f"/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-"
    assert list(found.parameters) == [f"{prefix}{name}/latest/ami-id" for name in names]


def test_pytorch_may_be_on_amazon_linux() -> None:
    found = images.plan(kind("g5.xlarge"), "pytorch-amazon-linux")
    assert isinstance(found, ImagePlan)
    assert found.patterns == (
        "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.* (Amazon Linux 2023)*",
    )


@pytest.mark.parametrize("name", ["trn1.2xlarge", "trn1n.32xlarge", "trn2.48xlarge", "inf2.xlarge"])
@pytest.mark.parametrize(
    ("word", "parameter"),
    [
        ("base", "base/ubuntu-24.04"),
        ("amazon-linux", "base/amazon-linux-2023"),
        ("neuron", "multi-framework/ubuntu-24.04"),
        ("pytorch", "multi-framework/ubuntu-24.04"),
    ],
)
def test_trainium_and_inferentia_get_neurons_own_images(
    name: str, word: str, parameter: str
) -> None:
    found = images.plan(kind(name, maker="AWS"), word)
    assert isinstance(found, ImagePlan)
    assert found.parameters[0] == f"/aws/service/neuron/dlami/{parameter}/latest/image_id"


def test_neuron_is_not_for_gpus() -> None:
    said = images.plan(kind("g5.xlarge"), "neuron")
    assert isinstance(said, str)
    assert "Trainium" in said


@pytest.mark.parametrize(
    "wanted",
    [
        kind("g4ad.xlarge", maker="AMD"),
        kind("f2.6xlarge", maker="Xilinx"),
        kind("g6f.large", count="0.125"),
        kind("inf1.xlarge", maker="AWS"),
    ],
)
def test_what_no_driver_image_suits_is_offered_the_plain_system(wanted: TypeFacts) -> None:
    assert images.instead(wanted, "base") == "plain-ubuntu"
    found = images.plan(wanted, "plain-ubuntu")
    assert isinstance(found, ImagePlan)
    assert found.parameters == (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
    )


def test_where_the_base_image_would_do_it_is_what_is_offered() -> None:
    assert images.instead(kind("g5.xlarge"), "neuron") == "base"
    assert images.instead(kind("p3.2xlarge"), "ubuntu-22.04") == "base"


def test_plain_images_are_there_for_arm_too() -> None:
    found = images.plan(kind("g5g.xlarge", arch="arm64"), "plain-amazon-linux")
    assert isinstance(found, ImagePlan)
    assert found.parameters == (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [("pytroch", "pytorch"), ("bert-emv", "bert-env"), ("bases", "base"), ("zzzzzz", None)],
)
def test_a_slip_finds_what_was_meant(text: str, meant: str | None) -> None:
    assert images.meant(text, ("bert-env",)) == meant


@pytest.mark.parametrize(
    ("picture", "word"),
    [
        (replace(image(), state="pending"), "still being made"),
        (replace(image(), state="failed"), "failed"),
        (replace(image(), root_type="instance-store"), "EBS"),
        (replace(image(), windows=True), "Windows"),
        (replace(image(), licensed="SUSE Linux"), "is SUSE Linux, which AWS bills on top"),
        (replace(image(), boot="uefi"), "legacy-bios"),
    ],
)
def test_an_image_that_cannot_be_launched_is_refused_with_its_own_reason(
    picture: Image, word: str
) -> None:
    said = images.check(picture, replace(kind("g5.xlarge"), boot_modes=("legacy-bios",)))
    assert said is not None
    assert word in said


def test_an_image_boots_in_any_way_that_the_type_knows() -> None:
    both = replace(kind("g5.xlarge"), boot_modes=("legacy-bios", "uefi"))
    for boot in ("", "uefi", "legacy-bios", "uefi-preferred"):
        assert images.check(replace(image(), boot=boot), both) is None


def test_a_saved_image_keeps_the_driver_that_it_began_with() -> None:
    own = replace(image("bert-env"), origin=OSS)
    said = images.check(own, kind("p3.2xlarge"))
    assert said is not None
    assert said.startswith("bert-env has NVIDIA's open driver")
    assert images.check(own, kind("g5.xlarge")) is None


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
