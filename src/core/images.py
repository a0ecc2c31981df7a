"""Type + wish → which Deep Learning AMI, which SSH user, how small its root disk may be."""

import re
from dataclasses import dataclass

from core.catalog import family, needs_proprietary_driver
from core.model import Image, TypeFacts

LARGEST_DISK = 16384  # GB; what a root volume holds with an MBR-free image on every type
_PARAMETER = "/aws/service/deeplearning/ami/{arch}/{kind}/latest/ami-id"
# Blackwell needs NVIDIA's open kernel modules.
_OPEN_ONLY = ("p6", "g7")
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


def plan(kind: TypeFacts, wish_image: str) -> ImagePlan | str:
    """Where to look for `base` or `pytorch` for a type; a sentence where there is none."""
    unfit = _unfit(kind)
    if unfit:
        return unfit
    if wish_image not in ("base", "pytorch"):
        return f"There is no image called {wish_image}; there are base, pytorch and ami-…."
    if needs_proprietary_driver(kind.name):
        return _proprietary(kind, wish_image)
    return _base(kind) if wish_image == "base" else _pytorch(kind)


def _unfit(kind: TypeFacts) -> str | None:
    own = "Name an image of your own that suits it: image ami-…"
    if kind.gpu is None or kind.gpu.maker.upper() != "NVIDIA":
        return f"The Deep Learning images are for NVIDIA GPUs, and {kind.name} has none. {own}"
    if kind.gpu.count < 1:
        return (
            f"{kind.name} has a part of a GPU, which needs NVIDIA's GRID driver; the Deep Learning "
            f"images do not have it. {own}"
        )
    return None


def _base(kind: TypeFacts) -> ImagePlan:
    arm = "ARM64 " if kind.architecture == "arm64" else ""
    systems = ("24.04", "22.04")
    return ImagePlan(
        parameters=tuple(
            _PARAMETER.format(
                arch=kind.architecture, kind=f"base-oss-nvidia-driver-gpu-ubuntu-{system}"
            )
            for system in systems
        ),
        patterns=tuple(
            f"Deep Learning {arm}Base OSS Nvidia Driver GPU AMI (Ubuntu {system})*"
            for system in systems
        ),
        architecture=kind.architecture,
    )


def _pytorch(kind: TypeFacts) -> ImagePlan:
    """By name only: a parameter would name a minor version, and each is dropped within a year."""
    arm = "ARM64 AMI OSS Nvidia Driver" if kind.architecture == "arm64" else "OSS Nvidia Driver AMI"
    return ImagePlan(
        parameters=(),
        patterns=(f"Deep Learning {arm} GPU PyTorch 2.* (Ubuntu 24.04)*",),
        architecture=kind.architecture,
    )


def _proprietary(kind: TypeFacts, wish_image: str) -> ImagePlan:
    """Volta and older. AWS keeps no public parameter for these images, only their names."""
    patterns = {
        "base": ("Deep Learning Base Proprietary Nvidia Driver*AMI (*",),
        "pytorch": ("Deep Learning Proprietary Nvidia Driver AMI GPU PyTorch *",),
    }
    return ImagePlan(parameters=(), patterns=patterns[wish_image], architecture=kind.architecture)


def check(image: Image, kind: TypeFacts) -> str | None:
    """Why this image does not work on this type, as a sentence; None when nothing says so.

    Only what its architecture and its name tell: an image of somebody's own is theirs to know.
    """
    if image.architecture != kind.architecture:
        return f"{image.id} is for {image.architecture}, but {kind.name} is {kind.architecture}."
    name = image.name.lower()
    if needs_proprietary_driver(kind.name) and re.search(r"\boss nvidia driver", name):
        return (
            f"{image.id} has NVIDIA's open driver, which does not work on the older GPU of "
            f"{kind.name}. The base image has the right one."
        )
    if family(kind.name).startswith(_OPEN_ONLY) and "proprietary nvidia driver" in name:
        return (
            f"{image.id} has NVIDIA's proprietary driver, which does not work on {kind.name}. "
            "The base image has the right one."
        )
    return None


def disk(image: Image, wished: int | None, default: int) -> int | str:
    """GB of the root disk, never below what the image needs; a sentence where a wish cannot be."""
    if wished is None:
        return max(default, image.root_gb)
    if wished < image.root_gb:
        return f"The image needs a disk of at least {image.root_gb} GB; {wished} GB is too small."
    if wished > LARGEST_DISK:
        return f"A disk has at most {LARGEST_DISK:,} GB; {wished:,} GB is too large."
    return wished


def user_of(image_name: str) -> str:
    """Who logs in over SSH, told by the image's name; `ec2-user` where it says nothing."""
    name = image_name.lower()
    return next((user for pattern, user in _USERS if re.search(pattern, name)), "ec2-user")
