"""Types: their quotas, their drivers, and what is near them."""

from decimal import Decimal

import pytest

from core import catalog
from core.catalog import by_gpu, nearest, quota_of
from core.model import Gpu, Market, TypeFacts

BOTH = frozenset(Market)


def kind(
    name: str,
    gpu: str = "",
    count: str = "1",
    memory: int = 0,
    vcpus: int = 8,
    *,
    arch: str = "x86_64",
    maker: str = "NVIDIA",
    markets: frozenset[Market] = BOTH,
) -> TypeFacts:
    chips = Gpu(name=gpu, maker=maker, count=Decimal(count), memory_mib=memory) if gpu else None
    return TypeFacts(
        name=name, vcpus=vcpus, memory_mib=1, architecture=arch, gpu=chips, markets=markets
    )


LIVING = (
    kind("g4ad.2xlarge", "Radeon Pro V520", memory=8192, maker="AMD"),
    kind("g4dn.xlarge", "T4", memory=16384, vcpus=4),
    kind("g4dn.2xlarge", "T4", memory=16384, vcpus=8),
    kind("g4dn.12xlarge", "T4", "4", 16384, 48),
    kind("g5.xlarge", "A10G", memory=22888, vcpus=4),
    kind("g5.2xlarge", "A10G", memory=22888, vcpus=8),
    kind("g5.48xlarge", "A10G", "8", 22888, 192),
    kind("g5g.2xlarge", "T4g", memory=16384, vcpus=8, arch="arm64"),
    kind("g6.xlarge", "L4", memory=22888, vcpus=4),
    kind("g6.2xlarge", "L4", memory=22888, vcpus=8),
    kind("g6e.xlarge", "L40S", memory=45776, vcpus=4),
    kind("g6f.large", "L4", "0.125", 22888, 2),
    kind("g7.2xlarge", "RTX PRO 4500", memory=32768, vcpus=8),
    kind("p4d.24xlarge", "A100", "8", 40960, 96),
    kind("p4de.24xlarge", "A100", "8", 81920, 96),
    kind("p5.4xlarge", "H100", "1", 81920, 16),
    kind("p5.48xlarge", "H100", "8", 81920, 192),
    kind("p5e.48xlarge", "H200", "8", 144384, 192, markets=frozenset({Market.SPOT})),
    kind("trn1.2xlarge"),
)


@pytest.mark.parametrize(
    ("name", "on_demand", "spot"),
    [
        ("p3.2xlarge", "L-417A185B", "L-7212CCBC"),
        ("p2.xlarge", "L-417A185B", "L-7212CCBC"),
        ("p4de.24xlarge", "L-417A185B", "L-7212CCBC"),
        ("p5.48xlarge", "L-417A185B", ""),
        ("p5en.48xlarge", "L-417A185B", ""),
        ("p6-b200.48xlarge", "L-417A185B", ""),
        ("g5.xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("g4dn.xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("gr6.4xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("vt1.3xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("inf2.xlarge", "L-1945791B", "L-B5D1601B"),
        ("trn1.2xlarge", "L-2C3B7624", ""),
        ("dl1.24xlarge", "L-6E869C2A", "L-85EED4F7"),
        ("dl2q.24xlarge", "L-6E869C2A", "L-85EED4F7"),
        ("f2.6xlarge", "L-74FC7D96", "L-88CF9481"),
        ("x2idn.16xlarge", "L-7295265B", "L-E3A00192"),
        ("hpc7g.4xlarge", "L-F7808C92", ""),
        ("u-6tb1.metal", "L-43DA4232", ""),
        ("t3.micro", "L-1216C47A", "L-34B43A08"),
        ("im4gn.large", "L-1216C47A", "L-34B43A08"),
        ("d3.xlarge", "L-1216C47A", "L-34B43A08"),
        ("P3.2XLARGE", "L-417A185B", "L-7212CCBC"),
        ("", "L-1216C47A", "L-34B43A08"),
    ],
)
def test_a_type_draws_on_its_family_s_quota(name: str, on_demand: str, spot: str) -> None:
    assert quota_of(name, Market.ON_DEMAND).code == on_demand
    assert quota_of(name, Market.SPOT).code == spot


def test_quotas_have_the_names_that_service_quotas_gives_them() -> None:
    assert quota_of("p3.2xlarge", Market.ON_DEMAND).name == "Running On-Demand P instances"
    assert quota_of("p3.2xlarge", Market.SPOT).name == "All P4, P3 and P2 Spot Instance Requests"
    assert quota_of("p5.4xlarge", Market.SPOT).name == "All P5 Spot Instance Requests"
    assert quota_of("g6.xlarge", Market.SPOT).name == "All G and VT Spot Instance Requests"
    assert (
        quota_of("m7i.large", Market.ON_DEMAND).name
        == "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
    )


def test_types_of_one_quota_share_it_and_others_do_not() -> None:
    assert quota_of("p3.2xlarge", Market.SPOT) == quota_of("p4d.24xlarge", Market.SPOT)
    assert quota_of("p3.2xlarge", Market.SPOT) != quota_of("p5.48xlarge", Market.SPOT)
    assert quota_of("p3.2xlarge", Market.ON_DEMAND) == quota_of("p5.4xlarge", Market.ON_DEMAND)


def test_a_retired_type_is_answered_with_its_like_in_gpu_memory_one_of_each_family() -> None:
    found = nearest("p3.2xlarge", None, LIVING, Market.SPOT)
    assert [t.name for t in found] == ["g4dn.2xlarge", "g5.2xlarge", "g6.2xlarge"]


def test_what_ec2_still_describes_needs_no_table() -> None:
    gone = kind("z9.huge", "X1", "8", 81920, 192)
    found = nearest("z9.huge", gone, LIVING, Market.ON_DEMAND)
    assert [t.name for t in found] == ["p5.48xlarge", "p4de.24xlarge", "p4d.24xlarge"]


def test_the_type_itself_is_never_offered_in_its_own_place() -> None:
    gone = next(t for t in LIVING if t.name == "g5.2xlarge")
    found = nearest("g5.2xlarge", gone, LIVING, Market.SPOT)
    assert "g5.2xlarge" not in [t.name for t in found]


def test_only_types_that_the_market_sells_are_offered() -> None:
    gone = kind("old.huge", "X1", "8", 144384, 192)
    assert nearest("old.huge", gone, LIVING, Market.SPOT)[0].name == "p5e.48xlarge"
    assert nearest("old.huge", gone, LIVING, Market.ON_DEMAND)[0].name != "p5e.48xlarge"


def test_a_typo_is_answered_with_the_type_that_was_meant() -> None:
    assert nearest("g5.2xlrge", None, LIVING, Market.SPOT)[0].name == "g5.2xlarge"
    assert nearest("p3.2xlrge", None, LIVING, Market.SPOT)[0].name == "g4dn.2xlarge"
    old = (*LIVING, kind("p3.2xlarge", "V100", memory=16384))
    assert nearest("p3.2xlrge", None, old, Market.SPOT)[0].name == "p3.2xlarge"


def test_a_gpu_is_answered_with_the_smallest_type_that_has_it_first() -> None:
    assert nearest("8xh100", None, LIVING, Market.SPOT)[0].name == "p5.48xlarge"
    assert nearest("24gb", None, LIVING, Market.SPOT)[0].name == "g5.xlarge"


@pytest.mark.parametrize(("gpu", "name"), [("v100", "g4dn.2xlarge"), ("k80", "g4dn.xlarge")])
def test_a_retired_gpu_is_answered_with_the_like_of_one_not_of_eight(gpu: str, name: str) -> None:
    old = (*LIVING, kind("p3dn.24xlarge", "V100", "8", 32768, 96))
    assert nearest(gpu, None, old, Market.SPOT)[0].name == name


@pytest.mark.parametrize("name", ["", "zzz", "foo2", "m99.large"])
def test_nothing_is_offered_for_a_name_that_says_nothing(name: str) -> None:
    assert nearest(name, None, LIVING, Market.SPOT) == ()


def test_parts_of_gpus_other_makers_and_other_architectures_are_not_offered() -> None:
    found = {t.name for t in nearest("g2.2xlarge", None, LIVING, Market.SPOT)}
    assert not found & {"g6f.large", "g4ad.2xlarge", "g5g.2xlarge", "trn1.2xlarge"}


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("1xA10G", "g5.xlarge"),
        ("a10g", "g5.xlarge"),
        ("a10", "g5.xlarge"),
        ("8xH100", "p5.48xlarge"),
        ("h100", "p5.4xlarge"),
        ("2xh100", "p5.48xlarge"),
        ("a100", "p4d.24xlarge"),
        ("l4", "g6.xlarge"),
        ("L40S", "g6e.xlarge"),
        ("t4", "g4dn.xlarge"),
        ("24GB", "g5.xlarge"),
        ("16 gb", "g4dn.xlarge"),
        ("40gb", "g6e.xlarge"),
        ("9xh100", None),
        ("9999gb", None),
        ("h999", None),
        ("", None),
    ],
)
def test_a_gpu_or_its_memory_means_the_smallest_type_that_has_it(
    wanted: str, name: str | None
) -> None:
    found = by_gpu(wanted, LIVING)
    assert (found.name if found else None) == name


@pytest.mark.parametrize("name", ["p2.xlarge", "p3.2xlarge", "p3dn.24xlarge", "g3s.xlarge"])
def test_gpus_older_than_turing_need_the_proprietary_driver(name: str) -> None:
    assert catalog.needs_proprietary_driver(name)


@pytest.mark.parametrize("name", ["g4dn.xlarge", "g5.xlarge", "p4d.24xlarge", "p5.4xlarge"])
def test_newer_gpus_do_not(name: str) -> None:
    assert not catalog.needs_proprietary_driver(name)


def test_retired_types_are_known_as_such() -> None:
    assert catalog.retired("P3.2xlarge")
    assert not catalog.retired("p3dn.24xlarge")
    assert not catalog.retired("g5.xlarge")


@pytest.mark.parametrize("text", ["p3.2xlarge", "P6-B200.48xlarge", "u-6tb1.metal", "g5.foo"])
def test_the_form_of_a_type(text: str) -> None:
    assert catalog.looks_like_type(text)


@pytest.mark.parametrize(
    "text", ["", "p3", "1.5h", "p3.2xlarge;rm", "a.b.c", "203.0.113.7", "a100"]
)
def test_what_has_not_the_form_of_a_type(text: str) -> None:
    assert not catalog.looks_like_type(text)


def test_the_closest_name_is_close() -> None:
    names = ("p3.2xlarge", "g5.xlarge")
    assert catalog.closest_name("P3.2xlrge", names) == "p3.2xlarge"
    assert catalog.closest_name("banana", names) is None
