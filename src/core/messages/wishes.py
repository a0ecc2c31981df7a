"""How a wish is said, with all that it leaves open, and what EC2 has refused of it so far."""

from collections.abc import Iterable
from dataclasses import replace

from core.blocks import code, escape
from core.faults import FaultKind, kind_of
from core.model import Market, Tried, Wish

MOST_LINES_TRIED = 8
MOST_NAMED = 4  # regions; more of them are counted

_FULL = (FaultKind.CAPACITY, FaultKind.SPOT_PRICE)
_REFUSALS = {
    FaultKind.CAPACITY: "no capacity",
    FaultKind.NOT_OFFERED: "not sold there",
    FaultKind.QUOTA: "the quota is used up",
    FaultKind.SPOT_PRICE: "the spot price rose",
}


# ---- what was asked for ---------------------------------------------------------------------


def wanted(wish: Wish) -> str:
    """`g5.xlarge` or `g6.xlarge` spot or on-demand in us-east-1 or us-west-2."""
    return f"{types(wish)} {markets(wish)} in {regions(wish)}"


def without_capacity(wish: Wish, tried: Iterable[Tried]) -> str:
    """The same, of what EC2 had no capacity for; empty where it was asked for nothing of it."""
    full = [t for t in tried if kind_of(t.code) in _FULL]
    kinds = [name for name in wish.types if any(t.instance_type == name for t in full)]
    sold_as = [one for one in wish.markets if any(t.market is one for t in full)]
    places = [name for name in wish.regions if any(t.zone.startswith(name) for t in full)]
    if not (kinds and sold_as and places):
        return ""
    asked_for = replace(
        wish,
        instance_type=kinds[0],
        or_types=tuple(kinds[1:]),
        market=sold_as[0],
        or_on_demand=len(sold_as) > 1,
        region=places[0],
        or_regions=tuple(places[1:]),
    )
    return wanted(asked_for)


def types(wish: Wish) -> str:
    """Every type that is welcome, how many of them first."""
    number = f"{wish.count} x " if wish.count > 1 else ""
    return number + _either([code(name) for name in wish.types])


def markets(wish: Wish) -> str:
    """`spot`, `on-demand` or both."""
    return _either([market.value for market in wish.markets])


def regions(wish: Wish) -> str:
    """Every region that is welcome; from five on, how many."""
    if len(wish.regions) > MOST_NAMED:
        return f"any of {len(wish.regions)} regions"
    return _either([escape(name) for name in wish.regions])


def _either(said: list[str]) -> str:
    return " or ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def launch_again(wish: Wish, market: Market | None = None) -> str:
    """The command that asks for the same again, ready to be pasted."""
    return code(f"/gpu {same_launch(wish, market)}")


def same_launch(wish: Wish, market: Market | None = None) -> str:
    """The words of a launch that asks for the same, its name and its deadline apart.

    With `market` it asks for that one alone.
    """
    said = [f"launch {' or '.join(wish.types)}"]
    said.append(" or ".join(market.value for market in ((market,) if market else wish.markets)))
    if wish.keep and market is not Market.ON_DEMAND:
        said.append("recover" if wish.recover else "keep")
    if not wish.anywhere:
        said.append(f"in {' or '.join(wish.regions)}")
    if wish.count > 1:
        said.append(f"x{wish.count}")
    if wish.length is not None:
        minutes = int(wish.length.total_seconds() // 60)
        said.append(f"for {minutes}m" if minutes % 60 else f"for {minutes // 60}h")
    return " ".join([*said, *_beside(wish)])


def _beside(wish: Wish) -> Iterable[str]:
    """The image and the disks, where they are not the usual ones."""
    if wish.image != "base":
        yield f"image {wish.image}"
    yield from _root_disk(wish)
    if wish.data:
        yield f"data {wish.data}" + (f" {wish.data_gb}" if wish.data_gb else "")


def root_disk(wish: Wish) -> str:
    """disk 300 io2 iops 100000; nothing where none was wished for."""
    return " ".join(_root_disk(wish))


def _root_disk(wish: Wish) -> Iterable[str]:
    if wish.disk_gb:
        yield f"disk {wish.disk_gb}"
    if wish.disk_type != "gp3":
        yield wish.disk_type
    if wish.iops:
        yield f"iops {wish.iops}"
    if wish.throughput:
        yield f"throughput {wish.throughput}"


# ---- what became of it ----------------------------------------------------------------------


def refusal(code_: str) -> str:
    """What EC2's error code means, in a few words; the code itself where it is not known here."""
    if code_ == "no-answer":
        return "no answer from EC2, and no machine"
    return _REFUSALS.get(kind_of(code_)) or escape(code_)


def zones_tried(tried: Iterable[Tried]) -> str:
    """us-east-1a, b: no capacity · us-east-1c: not sold there.

    With several types or markets each line says which; the last eight lines.
    """
    all_of_them = tuple(tried)
    many_types = len({t.instance_type for t in all_of_them if t.instance_type}) > 1
    many_markets = len({t.market for t in all_of_them}) > 1
    lines: dict[tuple[str, str], list[str]] = {}
    for t in all_of_them:
        about = [code(t.instance_type)] if many_types else []
        about += [t.market.value] if many_markets else []
        lines.setdefault((" ".join(about), refusal(t.code)), []).append(t.zone)
    said = (f"{what} {_zones(zones)}: {why}".strip() for (what, why), zones in lines.items())
    return " · ".join(list(said)[-MOST_LINES_TRIED:])


def _zones(names: Iterable[str]) -> str:
    """us-east-1a, b, us-west-2c; of many regions only how many zones."""
    letters: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        letters.setdefault(name[:-1], []).append(name[-1:])
    if len(letters) > MOST_NAMED:
        return f"{sum(map(len, letters.values()))} zones of {len(letters)} regions"
    return ", ".join(escape(region + ", ".join(zones)) for region, zones in letters.items())
