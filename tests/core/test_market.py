"""Which types a word picks, what is cheapest where, and how a week of spot prices is summed up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import market
from core.catalog import by_gpu, fitting, kind_of, nearest, total_memory
from core.market import Shelf, chosen, families, listings, places, sampled, saving, week
from core.model import Chip, Full, Gpu, Market, RegionOffers, TypeFacts, Zone

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SPOT, ON_DEMAND = Market.SPOT, Market.ON_DEMAND


def kind(
    name: str,
    gpu: str,
    count: str = "1",
    memory: int = 16384,
    vcpus: int = 4,
    *,
    maker: str = "NVIDIA",
    chip: Chip = Chip.GPU,
    arch: str = "x86_64",
) -> TypeFacts:
    return TypeFacts(
        name=name,
        vcpus=vcpus,
        memory_mib=16384,
        architecture=arch,
        gpu=Gpu(name=gpu, maker=maker, count=Decimal(count), memory_mib=memory, chip=chip),
        markets=frozenset(Market),
    )


NEURON, FPGA, MEDIA = Chip.NEURON, Chip.FPGA, Chip.MEDIA
SOLD = (
    kind("dl1.24xlarge", "Gaudi HL-205", "8", 32768, 96, maker="Habana"),
    kind("dl2q.24xlarge", "Qualcomm AI100", "8", 16000, 96, maker="Qualcomm", chip=Chip.INFERENCE),
    kind("f2.6xlarge", "Virtex UltraScale+ (VU47P)", "1", 81920, 24, maker="Xilinx", chip=FPGA),
    kind("g4ad.xlarge", "Radeon Pro V520", memory=8192, maker="AMD"),
    kind("g4dn.xlarge", "T4"),
    kind("g4dn.12xlarge", "T4", "4", 16384, 48),
    kind("g5.xlarge", "A10G", memory=22888),
    kind("g5.12xlarge", "A10G", "4", 22888, 48),
    kind("g5g.xlarge", "T4g", arch="arm64"),
    kind("g6.xlarge", "L4", memory=22888),
    kind("g6f.large", "L4", "0.125", 2861, 2),
    kind("g6e.xlarge", "L40S", memory=45776),
    kind("g7.2xlarge", "RTX PRO 4500", memory=32768, vcpus=8),
    kind("g7e.2xlarge", "RTX PRO Server 6000", memory=98304, vcpus=8),
    kind("inf1.xlarge", "Inferentia", memory=8192, maker="AWS", chip=NEURON),
    kind("inf2.xlarge", "Inferentia2", memory=32768, maker="AWS", chip=NEURON),
    kind("p4d.24xlarge", "A100", "8", 40960, 96),
    kind("p5.4xlarge", "H100", "1", 81920, 16),
    kind("p5.48xlarge", "H100", "8", 81920, 192),
    kind("p6-b200.48xlarge", "B200", "8", 183359, 192),
    kind("p6e-gb200.36xlarge", "B200", "4", 189471, 144, arch="arm64"),
    kind("trn1.2xlarge", "Trainium", memory=32768, vcpus=8, maker="AWS", chip=NEURON),
    kind("trn2.3xlarge", "Trainium2", memory=98304, vcpus=12, maker="AWS", chip=NEURON),
    kind("vt1.3xlarge", "U30", memory=24576, vcpus=12, maker="Xilinx", chip=MEDIA),
)
BY_NAME = {t.name: t for t in SOLD}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("rtx", "g7.2xlarge"),
        ("rtx6000", "g7e.2xlarge"),
        ("rtxpro4500", "g7.2xlarge"),
        ("v520", "g4ad.xlarge"),
        ("amd", "g4ad.xlarge"),
        ("t4g", "g5g.xlarge"),
        ("trainium", "trn1.2xlarge"),
        ("trainium2", "trn2.3xlarge"),
        ("inferentia", "inf2.xlarge"),  # no Neuron image drives the first one any more
        ("inf1", "inf1.xlarge"),
        ("neuron", "inf2.xlarge"),
        ("fpga", "f2.6xlarge"),
        ("vu47p", "f2.6xlarge"),
        ("gaudi", "dl1.24xlarge"),
        ("qualcomm", "dl2q.24xlarge"),
        ("b200", "p6-b200.48xlarge"),
        ("gb200", "p6e-gb200.36xlarge"),
        ("p5", "p5.4xlarge"),
        ("p4", "p4d.24xlarge"),
        ("g4", "g4dn.xlarge"),  # neither a part of the T4g nor AMD's
        ("g5g", "g5g.xlarge"),
        ("p6", "p6-b200.48xlarge"),
        ("p6e", "p6e-gb200.36xlarge"),
        ("nvidia", "g4dn.xlarge"),
        ("24GB", "g5.xlarge"),
        ("80GB", "p5.4xlarge"),
        ("100GB", "g7e.2xlarge"),  # one GPU before four A10G, whose sum is smaller
        ("4xt4", "g4dn.12xlarge"),
        ("gh200", None),
        ("mi300x", None),
    ],
)
def test_a_wish_means_the_smallest_type_that_has_what_it_names(word: str, name: str | None) -> None:
    found = by_gpu(word, SOLD)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("word", "sold"),
    [
        ("p5e", kind("p5en.48xlarge", "H200", "8", 144384, 192)),
        ("g5", kind("g5g.xlarge", "T4g", memory=16384, vcpus=4, arch="arm64")),
        ("t4", kind("g5g.xlarge", "T4g", memory=16384, vcpus=4, arch="arm64")),
        ("g4", kind("g5g.xlarge", "T4g", memory=16384, vcpus=4, arch="arm64")),
        ("g1", kind("g10.xlarge", "B300", memory=16384, vcpus=4)),
    ],
)
def test_another_family_is_never_bought_for_one_that_is_not_sold(
    word: str, sold: TypeFacts
) -> None:
    assert by_gpu(word, (sold,)) is None


def test_all_that_fits_a_memory_are_whole_nvidia_gpus_behind_x86() -> None:
    assert [t.name for t in fitting("80GB", SOLD)] == [
        "p5.4xlarge",
        "g7e.2xlarge",
        "g5.12xlarge",
        "p4d.24xlarge",
        "p5.48xlarge",
        "p6-b200.48xlarge",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("g5.xlarge", "NVIDIA GPU"),
        ("g6f.large", "part of an NVIDIA GPU"),
        ("g4ad.xlarge", "AMD GPU"),
        ("dl1.24xlarge", "Habana Gaudi accelerator"),
        ("trn1.2xlarge", "AWS Trainium (Neuron)"),
        ("f2.6xlarge", "FPGA"),
        ("vt1.3xlarge", "media accelerator"),
        ("dl2q.24xlarge", "inference accelerator"),
    ],
)
def test_an_accelerator_is_called_what_it_is(name: str, said: str) -> None:
    assert kind_of(BY_NAME[name]) == said


def test_the_memory_of_a_part_is_told_by_ec2_as_that_of_the_part() -> None:
    assert total_memory(BY_NAME["g6f.large"]) == 2861
    assert total_memory(BY_NAME["g5.12xlarge"]) == 4 * 22888


def test_the_nearest_are_of_the_same_sort() -> None:
    gone = kind("trn3.xlarge", "Trainium3", memory=98304, maker="AWS", chip=NEURON)
    found = nearest("trn3.xlarge", gone, SOLD, SPOT)
    assert [t.name for t in found] == ["trn2.3xlarge", "inf2.xlarge", "trn1.2xlarge"]
    assert nearest("f1.2xlarge", kind("f1.2xlarge", "VU9P", maker="Xilinx", chip=FPGA), SOLD, SPOT)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("g5.xlarge", ["g5.xlarge"]),
        ("g5", ["g5.xlarge", "g5.12xlarge"]),
        ("l4", ["g6.xlarge", "g6f.large"]),
        ("1xl4", ["g6.xlarge"]),
        ("arm", ["g5g.xlarge", "p6e-gb200.36xlarge"]),
        ("amd", ["g4ad.xlarge"]),
        ("media", ["vt1.3xlarge"]),
        ("neuron", ["inf1.xlarge", "inf2.xlarge", "trn1.2xlarge", "trn2.3xlarge"]),
        ("xilinx", ["f2.6xlarge", "vt1.3xlarge"]),
        ("banana", []),
    ],
)
def test_a_list_shows_what_its_filter_names(word: str, names: list[str]) -> None:
    assert sorted(t.name for t in chosen(word, SOLD)) == sorted(names)


def test_a_list_by_memory_is_of_gpus() -> None:
    found = {t.name for t in chosen("24gb", SOLD)}
    assert "dl1.24xlarge" in found
    assert not found & {"f2.6xlarge", "inf2.xlarge", "vt1.3xlarge", "g4dn.xlarge", "g6f.large"}


# ---- prices ---------------------------------------------------------------------------------


def zone(name: str) -> Zone:
    return Zone(name=name, id=f"id-{name[-2:]}")


def shelf(
    region: str, sold: dict[str, str], listed: dict[str, str], spot: dict[tuple[str, str], str]
) -> Shelf:
    """`sold`: type → letters of its zones; spot by (type, letter)."""
    letters = sorted({letter for zones in sold.values() for letter in zones})
    offers = RegionOffers(
        region=region,
        read_at=NOW,
        types=SOLD,
        zones=tuple(zone(region + letter) for letter in letters),
        sold=tuple((name, tuple(region + z for z in zones)) for name, zones in sold.items()),
        on_demand=tuple((name, Decimal(price)) for name, price in listed.items()),
    )
    return Shelf(
        offers=offers, spot={(n, region + z): Decimal(price) for (n, z), price in spot.items()}
    )


EAST = shelf(
    "us-east-1",
    {"g5.xlarge": "ab", "g6.xlarge": "a", "p4d.24xlarge": "b"},
    {"g5.xlarge": "1.006", "g6.xlarge": "0.80", "p4d.24xlarge": "21.9"},
    {("g5.xlarge", "a"): "0.50", ("g5.xlarge", "b"): "0.40", ("g6.xlarge", "a"): "0.30"},
)
WEST = shelf("us-west-2", {"g5.xlarge": "c"}, {}, {("g5.xlarge", "c"): "0.40"})


def test_what_is_listed_is_what_some_zone_sells_the_cheapest_family_first() -> None:
    found = listings((EAST, WEST), SOLD)
    assert [one.type.name for one in found] == ["g6.xlarge", "g5.xlarge", "p4d.24xlarge"]
    assert [name for name, _ in families(found)] == ["g6", "g5", "p4d"]
    assert [sale.region for sale in found[1].sales] == ["us-east-1", "us-west-2"]
    assert found[1].cheapest(SPOT) == (Decimal("0.40"), "us-east-1b")
    assert found[1].cheapest(ON_DEMAND) == (Decimal("1.006"), "us-east-1")
    assert found[2].cheapest(SPOT) is None


def test_places_come_cheapest_first_with_what_they_save() -> None:
    found = listings((EAST, WEST), [BY_NAME["g5.xlarge"]])
    shown = [(p.region, p.market, p.zones[0].name[-1], p.saving) for p in places(found, (), NOW)]
    assert shown == [
        ("us-east-1", SPOT, "b", 60),
        ("us-west-2", SPOT, "c", None),  # nothing is listed there to compare it with
        ("us-east-1", SPOT, "a", 50),
        ("us-east-1", ON_DEMAND, "a", None),
    ]


def filled(zone: str, name: str, market: Market, until: datetime | None = None) -> Full:
    later = until or NOW + timedelta(minutes=5)
    return Full(region=zone[:-1], zone=zone, instance_type=name, market=market, until=later)


def test_a_zone_that_was_full_a_moment_ago_is_marked_and_comes_behind_its_equals() -> None:
    found = listings((EAST, WEST), [BY_NAME["g5.xlarge"]])
    now = filled("us-east-1b", "g5.xlarge", SPOT)
    before = filled("us-west-2c", "g5.xlarge", SPOT, NOW - timedelta(minutes=1))
    at = places(found, (now, before), NOW)
    assert [(p.zones[0].name, p.full) for p in at[:2]] == [
        ("us-west-2c", ()),
        ("us-east-1b", ("us-east-1b",)),
    ]
    assert all(not p.full for p in at[2:])


def test_the_cheapest_type_is_the_one_that_is_cheapest_where_there_may_be_room() -> None:
    found = listings((EAST,), [BY_NAME["g5.xlarge"], BY_NAME["g6.xlarge"]])
    assert market.best(found, places(found, (), NOW)).type.name == "g6.xlarge"
    gone = [filled("us-east-1a", "g6.xlarge", market) for market in Market]
    assert market.best(found, places(found, gone, NOW)).type.name == "g5.xlarge"
    assert market.best(found, ()).type.name == found[0].type.name


@pytest.mark.parametrize(
    ("spot", "listed", "percent"),
    [("0.30", "1", 70), ("0.999", "1", 0), ("1", "1", None), ("2", "1", None), ("1", None, None)],
)
def test_a_saving_is_rounded_down_and_never_below_nothing(
    spot: str, listed: str | None, percent: int | None
) -> None:
    assert saving(Decimal(spot), Decimal(listed) if listed else None) == percent


def test_a_week_is_summed_up_by_the_hours_that_each_price_was_in_effect() -> None:
    changes = (
        (NOW - timedelta(days=8), Decimal("0.40")),
        (NOW - timedelta(days=2), Decimal("0.60")),
        (NOW - timedelta(hours=1), Decimal("0.90")),
    )
    seen = week("us-east-1a", changes, NOW)
    assert seen is not None
    assert (seen.low, seen.median, seen.high) == (
        Decimal("0.40"),
        Decimal("0.40"),
        Decimal("0.90"),
    )
    assert seen.trend == (*[Decimal("0.40")] * 10, *[Decimal("0.60")] * 4, Decimal("0.90"))


def test_before_a_pool_had_a_price_it_has_none() -> None:
    changes = ((NOW - timedelta(days=1), Decimal("0.40")),)
    assert sampled(changes, NOW, 8) == (*[None] * 6, Decimal("0.40"), Decimal("0.40"))
    assert week("us-east-1a", (), NOW) is None
