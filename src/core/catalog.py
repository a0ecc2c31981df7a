"""What EC2 says a type is → its quota, its driver, and the nearest living types.

What is on offer is always asked of EC2. The tables here only know what EC2 does not tell: the
names of the quotas, and what types that it has retired used to be.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from core.model import Chip, Gpu, Market, TypeFacts
from core.words import closest

MOST_NEAREST = 3


@dataclass(frozen=True, kw_only=True)
class QuotaRef:
    """A vCPU quota of EC2. `code` is "" where it is not certain and must be found by its name.

    `perhaps`: where AWS names no quota for it, the ones that it is counted under in some accounts.
    """

    name: str
    code: str
    perhaps: tuple[str, ...] = ()


def _pair(kinds: str, on_demand: str, spot: str, spot_kinds: str = "") -> dict[Market, QuotaRef]:
    return {
        Market.ON_DEMAND: QuotaRef(name=f"Running On-Demand {kinds} instances", code=on_demand),
        Market.SPOT: QuotaRef(name=f"All {spot_kinds or kinds} Spot Instance Requests", code=spot),
    }


# Names and codes: AWS General Reference, "Amazon EC2 endpoints and quotas".
_STANDARD = _pair("Standard (A, C, D, H, I, M, R, T, Z)", "L-1216C47A", "L-34B43A08")
_QUOTAS: dict[str, dict[Market, QuotaRef]] = {
    "g": _pair("G and VT", "L-DB2E81BA", "L-3819A6DF"),
    "p": _pair("P", "L-417A185B", "L-7212CCBC", "P4, P3 and P2"),
    # Public tables disagree about the codes of the spot quotas of P5, P6 and Trn: AWS's own list
    # of names decides.
    "p5": _pair("P", "L-417A185B", "", "P5"),
    "p6": _pair("P", "L-417A185B", "", "P6"),
    "inf": _pair("Inf", "L-1945791B", "L-B5D1601B"),
    "trn": _pair("Trn", "L-2C3B7624", ""),
    "dl": _pair("DL", "L-6E869C2A", "L-85EED4F7"),
    "f": _pair("F", "L-74FC7D96", "L-88CF9481"),
    "x": _pair("X", "L-7295265B", "L-E3A00192"),
    "hpc": _pair("HPC", "L-F7808C92", ""),
    "u": _pair("High Memory", "L-43DA4232", ""),
}
# AWS has been seen to name no spot quota for P6: it is then one of these two.
_QUOTAS["p6"][Market.SPOT] = replace(
    _QUOTAS["p6"][Market.SPOT],
    perhaps=tuple(_QUOTAS[kind][Market.SPOT].name for kind in ("p5", "p")),
)
_SAME_QUOTA = {"gr": "g", "vt": "g"}
_P_GENERATIONS = {"p5": "p5", "p6": "p6"}

# name: (GPU, count, MiB of each, vCPUs). EC2 does not describe these any more; figures from the
# last dumps of DescribeInstanceTypes that held them (2023 to 2026).
_RETIRED: dict[str, tuple[str, int, int, int]] = {
    "p2.xlarge": ("K80", 1, 12288, 4),
    "p2.8xlarge": ("K80", 8, 12288, 32),
    "p2.16xlarge": ("K80", 16, 12288, 64),
    "p3.2xlarge": ("V100", 1, 16384, 8),
    "p3.8xlarge": ("V100", 4, 16384, 32),
    "p3.16xlarge": ("V100", 8, 16384, 64),
    "p3dn.24xlarge": ("V100", 8, 32768, 96),
    "g2.2xlarge": ("K520", 1, 4096, 8),
    "g2.8xlarge": ("K520", 4, 4096, 32),
    "g3s.xlarge": ("M60", 1, 8192, 4),
    "g3.4xlarge": ("M60", 1, 8192, 16),
    "g3.8xlarge": ("M60", 2, 8192, 32),
    "g3.16xlarge": ("M60", 4, 8192, 64),
}
# Kepler, Maxwell and Volta: NVIDIA's open kernel modules need Turing or later.
_PROPRIETARY = frozenset({"g2", "g3", "g3s", "p2", "p3", "p3dn"})

# The images of the Neuron SDK leave the first Inferentia out: it is had by its own name only.
_PASSED_OVER = frozenset({"inf1"})

_TYPE = re.compile(r"[a-z][a-z0-9-]{0,15}\.[a-z0-9-]{1,20}")
# A model (`a10g`, `vu47p`, `gb200`), a family (`p5`), or what a model or its maker is called.
_GPU = re.compile(
    r"(?:([1-9][0-9]?)x)?([a-z]{1,3}[0-9]{1,4}[a-z]{0,2}|rtx(?:pro)?(?:[0-9]{4})?|(?:trainium|"
    r"inferentia)[0-9]?|neuron|nvidia|amd|radeon|fpga|gaudi|habana|qualcomm)"
)
_MEMORY = re.compile(r"([1-9][0-9]{0,3})gi?b?")
_PARTS = re.compile(r"[a-z]+|[0-9]+")


def family(instance_type: str) -> str:
    """`p3dn` of `p3dn.24xlarge`."""
    return instance_type.lower().partition(".")[0]


def quota_of(instance_type: str, market: Market) -> QuotaRef:
    """The vCPU quota that a type draws on in a market; the standard one where nothing says else."""
    name = family(instance_type)
    letters = re.match(r"[a-z]*", name)
    kind = letters.group() if letters else ""
    kind = _SAME_QUOTA.get(kind, kind)
    if kind == "p":
        kind = _P_GENERATIONS.get(name[:2], kind)
    return _QUOTAS.get(kind, _STANDARD)[market]


def needs_proprietary_driver(instance_type: str) -> bool:
    """Whether its GPUs are older than Turing, for which NVIDIA's open driver does not work."""
    return family(instance_type) in _PROPRIETARY


def retired(name: str) -> bool:
    """Whether AWS has been seen to take the type out of EC2. Some accounts may still have it."""
    return name.lower() in _RETIRED and name.lower() != "p3dn.24xlarge"


def looks_like_type(text: str) -> bool:
    """Whether it has the form of an instance type, such as `p3.2xlarge`."""
    return _TYPE.fullmatch(text.lower()) is not None


def looks_like_gpu(text: str) -> bool:
    """Whether it asks for a GPU or its memory, such as `a100`, `8xH100`, `24GB`."""
    word = text.lower()
    return _GPU.fullmatch(word) is not None or _MEMORY.fullmatch(word) is not None


def closest_name(text: str, names: tuple[str, ...]) -> str | None:
    """The type that was probably meant: `p3.2xlrge` → `p3.2xlarge`."""
    return closest(text, (name.lower() for name in names), least=0.75)


def total_memory(kind: TypeFacts) -> int:
    """MiB of GPU memory of the whole machine; 0 without a GPU. EC2 tells it of a part as it is."""
    return int(max(kind.gpu.count, Decimal(1)) * kind.gpu.memory_mib) if kind.gpu else 0


def kind_of(kind: TypeFacts) -> str:
    """What its accelerator is called: `NVIDIA GPU`, `part of an NVIDIA GPU`, `FPGA`, …"""
    if kind.gpu is None:
        return "no accelerator"
    match kind.gpu.chip:
        case Chip.GPU if kind.gpu.maker.upper() == "HABANA":
            return "Habana Gaudi accelerator"
        case Chip.GPU:
            whole = f"{kind.gpu.maker} GPU".strip()
            return whole if kind.gpu.count >= 1 else f"part of an {whole}"
        case Chip.NEURON:
            return f"AWS {kind.gpu.name} (Neuron)"
        case Chip.FPGA:
            return "FPGA"
        case Chip.MEDIA:
            return "media accelerator"
        case Chip.INFERENCE:
            return "inference accelerator"
        case _:
            assert_never(kind.gpu.chip)


def by_gpu(wanted: str, living: tuple[TypeFacts, ...]) -> TypeFacts | None:
    """The smallest living type for `1xA10G`, `8xH100`, `a100` or `24GB` (decimal, in total)."""
    return next(iter(fitting(wanted, living)), None)


def fitting(wanted: str, living: tuple[TypeFacts, ...]) -> tuple[TypeFacts, ...]:
    """Every living type that the wish can mean, the smallest first.

    Memory is that of the whole machine: a model that needs 80 GB runs on one GPU or split over
    several, and types with one GPU come first. It means whole NVIDIA GPUs behind an x86_64
    processor, for which everything is built; every other accelerator has to be named.
    """
    word = wanted.lower().replace(" ", "")
    least = memory_wished(word)
    if least is None:
        return tuple(sorted(_with_gpu(word, living), key=_size))
    enough = [t for t in living if _customary(t) and total_memory(t) >= least]
    return tuple(sorted(enough, key=_size))


def memory_wished(wanted: str) -> int | None:
    """MiB of `24GB`, which are decimal; None for what is no such wish."""
    memory = _MEMORY.fullmatch(wanted.lower().replace(" ", ""))
    return int(memory[1]) * 10**9 // 2**20 if memory else None


def _with_gpu(word: str, living: tuple[TypeFacts, ...]) -> list[TypeFacts]:
    """The very model; else a family or generation (`p5`, `gb200` in p6e-gb200, `p4`); else what has
    every part of the name (`a10` is the A10G, `rtx6000` the RTX PRO Server 6000)."""
    gpu = _GPU.fullmatch(word)
    if gpu is None:
        return []
    count, model = int(gpu[1] or 1), gpu[2]
    enough = [t for t in living if t.gpu and t.gpu.count >= count]
    for means in (_is_model, _is_of_family, _is_of_generation, _is_named):
        found = [t for t in enough if means(t, model)]
        if found and means is _is_of_generation:
            return [t for t in found if _customary(t)] or found
        if found:
            return found
    return []


def _is_model(kind: TypeFacts, word: str) -> bool:
    """A name without a number stands for every generation: `trainium` for Trainium2, too."""
    plain = re.sub(r"[^a-z0-9]", "", kind.gpu.name.lower()) if kind.gpu else ""
    return plain == word and not word.isalpha()


def _is_named(kind: TypeFacts, word: str) -> bool:
    """All parts of the word in their order: `g4` is no part of the T4g. Nobody gets an ARM machine
    for a part of its name."""
    if kind.gpu is None or kind.architecture != "x86_64":
        return False
    if word == "nvidia":
        return _customary(kind)
    told = iter(_PARTS.findall(f"{kind.gpu.name} {kind.gpu.maker} {kind.gpu.chip}".lower()))
    return family(kind.name) not in _PASSED_OVER and all(p in told for p in _PARTS.findall(word))


def _is_of_family(kind: TypeFacts, word: str) -> bool:
    name = family(kind.name)
    return name == word or name.endswith(f"-{word}")


def _is_of_generation(kind: TypeFacts, word: str) -> bool:
    """`p4` is p4d and p4de, `p6e` is p6e-gb200; but `p5e` is no p5en, and `g5` no g5g, whose
    processor is another."""
    lettered = word[-1:].isdigit() and kind.architecture == "x86_64"
    more = r"[a-z]*(?:-.*)?" if lettered else r"-.*"
    return re.fullmatch(re.escape(word) + more, family(kind.name)) is not None


def _customary(kind: TypeFacts) -> bool:
    """What is meant where no accelerator is named."""
    return _usual(kind) and kind.architecture == "x86_64"


def _usual(kind: TypeFacts) -> bool:
    """Boots from the images that the bot knows: whole NVIDIA GPUs."""
    return kind.gpu is not None and kind.gpu.maker.upper() == "NVIDIA" and kind.gpu.count >= 1


def _size(kind: TypeFacts) -> tuple[bool, bool, int, Decimal, int, str]:
    """ARM last: what was built for x86_64 does not run there."""
    count = kind.gpu.count if kind.gpu else Decimal(0)
    arm = kind.architecture == "arm64"
    return (arm, count > 1, total_memory(kind), count, kind.vcpus, kind.name)


def nearest(
    wanted: str, gone: TypeFacts | None, living: tuple[TypeFacts, ...], market: Market
) -> tuple[TypeFacts, ...]:
    """At most three living types near the one that cannot be had, no two of one family.

    Near is: about as much GPU memory in all, then about as many vCPUs. `gone` is the wanted type
    where EC2 still describes it; otherwise it is looked up by name, GPU or memory. Nothing is
    offered for a name that says nothing.
    """
    name = wanted.lower()
    sold = tuple(t for t in living if market in t.markets and t.name != name)
    like = gone or _remembered(name) or _having(name, sold) or _misspelt(name, sold)
    if like is None:
        return ()
    same = [t for t in sold if t.architecture == like.architecture and _alike(t, like)]
    chosen: dict[str, TypeFacts] = {}
    for kind in sorted(same, key=lambda t: _distance(t, like)):
        chosen.setdefault(family(kind.name), kind)
    return tuple(chosen.values())[:MOST_NEAREST]


def _alike(kind: TypeFacts, like: TypeFacts) -> bool:
    """An FPGA is no help to who wants a GPU, nor a part to who wants a whole one."""
    if like.gpu is None or _usual(like):
        return _usual(kind)
    whole = kind.gpu is not None and (kind.gpu.count >= 1 or like.gpu.count < 1)
    return whole and _sort(kind) == _sort(like) and family(kind.name) not in _PASSED_OVER


def _sort(kind: TypeFacts) -> tuple[Chip, str] | None:
    return (kind.gpu.chip, kind.gpu.maker.upper()) if kind.gpu else None


def _distance(kind: TypeFacts, like: TypeFacts) -> tuple[bool, int, int, int, str]:
    """The very type first; of two as far away, the one with more memory, the model then fits."""
    more = total_memory(kind) - total_memory(like)
    return (kind.name != like.name, abs(more), -more, abs(kind.vcpus - like.vcpus), kind.name)


def _having(gpu: str, living: tuple[TypeFacts, ...]) -> TypeFacts | None:
    """The smallest type that has the GPU, a retired one too: one V100 is not like eight of them."""
    retired_too = (kind for kind in map(_remembered, _RETIRED) if kind is not None)
    return by_gpu(gpu, (*living, *retired_too))


def _remembered(name: str) -> TypeFacts | None:
    if name not in _RETIRED:
        return None
    gpu, count, memory, vcpus = _RETIRED[name]
    return TypeFacts(
        name=name,
        vcpus=vcpus,
        memory_mib=0,
        architecture="x86_64",
        gpu=Gpu(name=gpu, maker="NVIDIA", count=Decimal(count), memory_mib=memory),
        markets=frozenset(),
    )


def _misspelt(name: str, living: tuple[TypeFacts, ...]) -> TypeFacts | None:
    meant = closest_name(name, (*(t.name for t in living), *_RETIRED))
    if meant is None:
        return None
    return next((t for t in living if t.name == meant), None) or _remembered(meant)
