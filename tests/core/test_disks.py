"""What EBS takes of a root disk, and what it costs."""

from decimal import Decimal
from typing import Any

import pytest

from core import disks, price
from core.model import Image, Market, Wish


def _wish(**words: Any) -> Wish:
    return Wish(instance_type="g5.xlarge", market=Market.SPOT, region="us-east-1", **words)


def _image(root_gb: int = 45) -> Image:
    return Image(
        id="ami-1",
        name="x",
        architecture="x86_64",
        root_device="/dev/sda1",
        root_gb=root_gb,
        user="u",
    )


@pytest.mark.parametrize(
    ("wish", "slot", "value"),
    [
        (_wish(disk_gb=200, iops=2999), "iops", 3000),
        (_wish(disk_gb=200, iops=80_001), "iops", 80_000),
        (_wish(disk_gb=10, iops=5001), "disk", 11),
        (_wish(disk_gb=200, throughput=124), "throughput", 125),
        (_wish(disk_gb=200, throughput=2001), "throughput", 2000),
        (_wish(disk_gb=200, throughput=1000, iops=3999), "iops", 4000),
        (_wish(disk_gb=3, disk_type="io2"), "disk", 4),
        (_wish(disk_gb=65_537), "disk", 65_536),
        (_wish(disk_gb=8, disk_type="io2", iops=8001), "disk", 9),
        (_wish(disk_gb=300, disk_type="io2", iops=256_001), "iops", 256_000),
        (_wish(disk_type="io2", throughput=500), "throughput", None),
        (_wish(iops=80_001), "iops", 80_000),
    ],
)
def test_what_does_not_fit_is_told_with_the_one_word_that_cures_it(
    wish: Wish, slot: str, value: int | None
) -> None:
    wrong = disks.misfit(wish, wish.disk_gb)
    assert wrong is not None
    assert (wrong.slot, wrong.value) == (slot, value)


@pytest.mark.parametrize(
    "wish",
    [
        _wish(),
        _wish(disk_gb=1),
        _wish(disk_gb=6, iops=3000),
        _wish(disk_gb=160, iops=80_000, throughput=2000),
        _wish(disk_gb=100, throughput=2000),
        _wish(disk_gb=4, disk_type="io2"),
        _wish(disk_gb=256, disk_type="io2", iops=256_000),
        _wish(iops=40_000),
    ],
)
def test_what_ebs_takes_fits(wish: Wish) -> None:
    assert disks.misfit(wish, wish.disk_gb) is None


@pytest.mark.parametrize(
    ("wish", "gb"),
    [(_wish(), 50), (_wish(disk_gb=45), 45), (_wish(disk_gb=16_384), 16_384)],
)
def test_a_disk_is_never_smaller_than_the_image(wish: Wish, gb: int) -> None:
    assert disks.check(wish, _image(), 50) == gb


def test_a_disk_that_cannot_be_is_answered_with_the_size_that_can() -> None:
    small, fast = _wish(disk_gb=44), _wish(iops=40_000)
    assert "at least 45" in str(disks.check(small, _image(), 50))
    assert disks.nearest(small, _image()) == 45
    assert "80 GB" in str(disks.check(fast, _image(), 50))
    assert disks.nearest(fast, _image()) == 80


def test_speed_that_was_not_named_is_what_carries_the_rest() -> None:
    assert disks.mapping(disks.disk_of(_wish(throughput=1000), 200))["Iops"] == 4000
    assert disks.mapping(disks.disk_of(_wish(disk_type="io2"), 200))["Iops"] == 3000
    assert set(disks.mapping(disks.disk_of(_wish(), 200))) == {
        "VolumeSize",
        "VolumeType",
        "Encrypted",
    }


@pytest.mark.parametrize(
    ("disk", "usd"),
    [
        ((200, "gp3", 3000, 125), "16.00"),
        ((200, "gp3", 8000, 500), "56.00"),
        ((200, "io2", 8000, None), "545.00"),
        ((100, "io2", 64_000, None), "3548.50"),
    ],
)
def test_faster_disks_cost_more(disk: tuple[int, str, int, int | None], usd: str) -> None:
    assert price.disk_monthly(*disk) == Decimal(usd)
