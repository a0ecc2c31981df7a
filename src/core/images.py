"""Type + wish → which AMI, whether it suits, who logs in."""

import re
from dataclasses import dataclass

from core.catalog import family, needs_proprietary_driver
from core.model import Image, TypeFacts
from core.words import closest

_PARAMETER = (
    "/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-{system}/latest/ami-id"
)
_NEURON = "/aws/service/neuron/dlami/{kind}/{system}/latest/image_id"
_PLAIN = {
    "ubuntu-24.04": "/aws/service/canonical/ubuntu/server/24.04/stable/current/{other}/hvm/ebs-gp3"
    "/ami-id",
    "amazon-linux-2023": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}",
}
_SYSTEMS = {
    "ubuntu-24.04": "Ubuntu 24.04",
    "ubuntu-22.04": "Ubuntu 22.04",
    "amazon-linux-2023": "Amazon Linux 2023",
}
_UBUNTU = ("ubuntu-24.04", "ubuntu-22.04")
_AMAZON = ("amazon-linux-2023",)

# What may be said: a word, what it stands for, and on which systems, the first that there is.
_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "base": ("base", _UBUNTU),
    "pytorch": ("pytorch", _UBUNTU[:1]),
    "ubuntu-24.04": ("base", _UBUNTU[:1]),
    "ubuntu-22.04": ("base", _UBUNTU[1:]),
    "amazon-linux": ("base", _AMAZON),
    "pytorch-ubuntu-24.04": ("pytorch", _UBUNTU[:1]),
    "pytorch-amazon-linux": ("pytorch", _AMAZON),
    "neuron": ("neuron", _UBUNTU[:1]),
    "plain-ubuntu": ("plain", _UBUNTU[:1]),
    "plain-amazon-linux": ("plain", _AMAZON),
}
_ALIASES = {
    "ubuntu": "ubuntu-24.04",
    "ubuntu24": "ubuntu-24.04",
    "ubuntu22": "ubuntu-22.04",
    "al2023": "amazon-linux",
    "amazon-linux-2023": "amazon-linux",
    "pytorch-ubuntu": "pytorch-ubuntu-24.04",
    "pytorch-al2023": "pytorch-amazon-linux",
    "plain": "plain-ubuntu",
}
WORDS = tuple(_WORDS)
PLAIN = "plain-ubuntu"
# Blackwell needs NVIDIA's open kernel modules.
_OPEN_ONLY = ("p6", "g7")
_NEURON_FAMILIES = ("trn", "inf2")
# The first pattern that a name matches tells who logs in.
_USERS = (
    (r"ubuntu", "ubuntu"),
    (r"amazon linux|amzn|al20\d\d|suse|sles|rhel|red hat", "ec2-user"),
    (r"debian", "admin"),
    (r"rocky", "rocky"),
    (r"fedora", "fedora"),
    (r"centos", "centos"),
    (r"bitnami", "bitnami"),
)


@dataclass(frozen=True, kw_only=True)
class ImagePlan:
    """Where to look for an image: SSM public parameters in order, else names of Amazon's images."""

    parameters: tuple[str, ...]
    patterns: tuple[str, ...]
    architecture: str


# ---- which image ----------------------------------------------------------------------------


def is_word(text: str) -> bool:
    """Whether it names one of AWS's images, so that no saved image may be called that."""
    return text in _WORDS or text in _ALIASES


def meant(text: str, saved: tuple[str, ...]) -> str | None:
    """The image that was probably meant, among the words and the names of saved ones."""
    return closest(text, (*saved, *WORDS, *_ALIASES))


def plan(kind: TypeFacts, wish_image: str) -> ImagePlan | str:
    """Where to look for a word's image for a type; a sentence where there is none."""
    word = _ALIASES.get(wish_image, wish_image)
    if word not in _WORDS:
        return f"There is no image called {wish_image}; there are {', '.join(WORDS)} and ami-…."
    what, systems = _WORDS[word]
    if what == "plain":
        return _plain(kind, systems)
    if family(kind.name).startswith(_NEURON_FAMILIES):
        return _neuron(kind, what, systems)
    unfit = _unfit(kind) or _no_neuron(kind, what)
    if unfit:
        return unfit
    if needs_proprietary_driver(kind.name):
        return _proprietary(kind, word)
    return _base(kind, systems) if what == "base" else _pytorch(kind, systems)


def instead(kind: TypeFacts, wish_image: str) -> str | None:
    """The word that would do on this type where the wished one does not; None where none would."""
    for word in ("base", PLAIN):
        if word != wish_image and not isinstance(plan(kind, word), str):
            return word
    return None


def _unfit(kind: TypeFacts) -> str | None:
    """Why none of AWS's Deep Learning images works on a type, and what there is instead."""
    plain = f"`image {PLAIN}` is Ubuntu without any driver, `image ami-…` one of your own."
    maker = kind.gpu.maker if kind.gpu else ""
    if family(kind.name) == "inf1":
        return (
            f"AWS's Neuron images do not support Inferentia 1, which {kind.name} has, any more; "
            f"inf2 is what followed it. {plain}"
        )
    if kind.gpu is None:
        return f"The Deep Learning images are for NVIDIA GPUs, and {kind.name} has none. {plain}"
    if maker.upper() != "NVIDIA":
        return (
            f"The Deep Learning images are for NVIDIA GPUs, and {kind.name} has "
            f"{maker} {_without(maker, kind.gpu.name)}. {plain}"
        )
    if kind.gpu.count < 1:
        return (
            f"{kind.name} has a part of a GPU, which needs NVIDIA's GRID driver; the Deep Learning "
            f"images do not have it. {plain}"
        )
    return None


def _without(maker: str, name: str) -> str:
    """`AI100` of Qualcomm's `Qualcomm AI100`."""
    return name.removeprefix(f"{maker} ")


def _no_neuron(kind: TypeFacts, what: str) -> str | None:
    if what != "neuron":
        return None
    return (
        f"The Neuron image is for Trainium and Inferentia, and {kind.name} has neither. "
        "The base image has the right driver."
    )


def _base(kind: TypeFacts, systems: tuple[str, ...]) -> ImagePlan:
    arm = "ARM64 " if kind.architecture == "arm64" else ""
    return ImagePlan(
        parameters=tuple(_PARAMETER.format(arch=kind.architecture, system=s) for s in systems),
        patterns=tuple(
            f"Deep Learning {arm}Base OSS Nvidia Driver GPU AMI ({_SYSTEMS[s]})*" for s in systems
        ),
        architecture=kind.architecture,
    )


def _pytorch(kind: TypeFacts, systems: tuple[str, ...]) -> ImagePlan:
    """By name only: a parameter would name a minor version, and each is dropped within a year."""
    arm = "ARM64 AMI OSS Nvidia Driver" if kind.architecture == "arm64" else "OSS Nvidia Driver AMI"
    return ImagePlan(
        parameters=(),
        patterns=tuple(f"Deep Learning {arm} GPU PyTorch 2.* ({_SYSTEMS[s]})*" for s in systems),
        architecture=kind.architecture,
    )


def _proprietary(kind: TypeFacts, word: str) -> ImagePlan | str:
    """Volta and older. AWS keeps no public parameter for these images, only their names."""
    patterns = {
        "base": ("Deep Learning Base Proprietary Nvidia Driver*AMI (*",),
        "pytorch": ("Deep Learning Proprietary Nvidia Driver AMI GPU PyTorch *",),
    }
    if word not in patterns:
        return (
            f"{kind.name} has a GPU that NVIDIA's current driver does not know, and AWS makes no "
            f"{word} image with an older one. The base image has the right one."
        )
    return ImagePlan(parameters=(), patterns=patterns[word], architecture=kind.architecture)


def _neuron(kind: TypeFacts, what: str, systems: tuple[str, ...]) -> ImagePlan | str:
    """Trainium and Inferentia 2: the driver alone for `base`, the frameworks for anything more."""
    names = {"base": ("base", "Base Neuron AMI")}
    part, title = names.get(what, ("multi-framework", "AMI Neuron"))
    if part != "base" and systems == _AMAZON:
        return "AWS's Neuron image with PyTorch is on Ubuntu only: `image pytorch`."
    return ImagePlan(
        parameters=tuple(_NEURON.format(kind=part, system=s) for s in systems),
        patterns=tuple(f"Deep Learning {title} ({_SYSTEMS[s]})*" for s in systems),
        architecture=kind.architecture,
    )


def _plain(kind: TypeFacts, systems: tuple[str, ...]) -> ImagePlan:
    """The system and no driver. By parameter only: Canonical's images are not Amazon's own."""
    other = {"x86_64": "amd64"}.get(kind.architecture, kind.architecture)
    return ImagePlan(
        parameters=tuple(_PLAIN[s].format(arch=kind.architecture, other=other) for s in systems),
        patterns=(),
        architecture=kind.architecture,
    )


# ---- whether it suits -----------------------------------------------------------------------


def check(image: Image, kind: TypeFacts) -> str | None:
    """Why this image does not work on this type, as a sentence; None when nothing says so.

    Only what EC2 and its name tell: an image of somebody's own is theirs to know.
    """
    return _unusable(image) or _other_machine(image, kind) or _wrong_driver(image, kind)


def _unusable(image: Image) -> str | None:
    if image.state == "pending":
        return f"{image.id} is still being made: try again in a few minutes."
    if image.state != "available":
        return f"{image.id} cannot be launched: EC2 says that it is {image.state}."
    if image.root_type != "ebs":
        return f"{image.id} has no EBS root disk, and GPU types boot from nothing else."
    if image.windows:
        return f"{image.id} is a Windows image; the bot makes Linux machines, reached over SSH."
    if image.licensed:
        return (
            f"{image.id} is {image.licensed}, which AWS bills on top of the price of the machine, "
            "and the bot counts Linux without a licence only. "
            "`image plain-ubuntu` or an ami-… of such a Linux works."
        )
    return None


def _other_machine(image: Image, kind: TypeFacts) -> str | None:
    called = image.name if image.origin else image.id
    if image.architecture != kind.architecture:
        return f"{called} is for {image.architecture}, but {kind.name} is {kind.architecture}."
    strict = image.boot in ("uefi", "legacy-bios")
    if strict and kind.boot_modes and image.boot not in kind.boot_modes:
        modes = " or ".join(kind.boot_modes)
        return f"{called} boots by {image.boot}, but {kind.name} boots by {modes}."
    return None


def _wrong_driver(image: Image, kind: TypeFacts) -> str | None:
    called = image.name if image.origin else image.id
    name = f"{image.name} {image.origin}".lower()
    if needs_proprietary_driver(kind.name) and re.search(r"\boss nvidia driver", name):
        return (
            f"{called} has NVIDIA's open driver, which does not work on the older GPU of "
            f"{kind.name}. The base image has the right one."
        )
    if family(kind.name).startswith(_OPEN_ONLY) and "proprietary nvidia driver" in name:
        return (
            f"{called} has NVIDIA's proprietary driver, which does not work on {kind.name}. "
            "The base image has the right one."
        )
    return None


def user_of(image_name: str) -> str:
    """Who logs in over SSH, told by the image's name; `ec2-user` where it says nothing."""
    name = image_name.lower()
    return next((user for pattern, user in _USERS if re.search(pattern, name)), "ec2-user")
