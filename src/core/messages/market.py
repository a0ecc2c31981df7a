"""What EC2 sells, in words: by family, by type with its regions and zones, and what it does not."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from core.blocks import Block, Message, code, context, escape, message, section
from core.catalog import family, kind_of, looks_like_type, retired, total_memory
from core.market import Listing, Sale, View, families
from core.messages import words
from core.model import Market, TypeFacts

MOST_TYPES = 40
MOST_IN_DETAIL = 12
MOST_SALES = 4
LONGEST_PARAGRAPH = 2600  # leaves room below the 3,000 characters of a section


def types(
    found: tuple[Listing, ...], view: View, wanted: str | None, market: Market | None
) -> Message:
    """Families where nothing was said to look for, else each type: in detail, if they are few."""
    one = len(found) == 1
    what = "with accelerators" if wanted is None else f"fit{'s' if one else ''} {code(wanted)}"
    said = f"*{len(found)} type{'' if one else 's'}* {what}{_sold_as(market)}"
    order = "; the cheapest family first" if len(families(found)) > 1 else ""
    lines = _families(found, market) if wanted is None else _types(found, market)
    return message(
        section(f"{said} in {places(view.regions)}{order}."),
        *paragraphs(lines),
        context(*_hints(found, wanted), *age(view)),
        *missing(view),
    )


def _sold_as(market: Market | None) -> str:
    return f" as {market}" if market else ""


def _hints(found: tuple[Listing, ...], wanted: str | None) -> Iterator[str]:
    name = found[0].type.name
    if wanted is None:
        yield f"One family: {code(f'/gpu types {family(name)}')}"
    yield f"Where it is cheapest: {code(f'/gpu price {name}')}"


# ---- families -------------------------------------------------------------------------------


def _families(found: tuple[Listing, ...], market: Market | None) -> Iterator[str]:
    for name, some in families(found):
        arm = ", ARM" if some[0].type.architecture == "arm64" else ""
        yield f"• {code(name)} {_range(some)}{arm}: {_from(some, market)}"


def _range(some: tuple[Listing, ...]) -> str:
    """`1 to 8 x NVIDIA A10G, 22 GiB each`, `1/8 to 1/2 of an NVIDIA L4, 11 GiB`."""
    gpus = [one.type.gpu for one in some if one.type.gpu]
    least, most = min(gpus, key=lambda g: g.count), max(gpus, key=lambda g: g.count)
    first, last = words.gpu(least), words.gpu(most)
    return last if first == last else f"{first.partition(' ')[0]} to {last}"


def _from(some: tuple[Listing, ...], market: Market | None) -> str:
    """$0.3812/h spot in us-east-1b, $1.006/h on-demand in us-west-2."""
    said = []
    for one in [market] if market else [Market.SPOT, Market.ON_DEMAND]:
        known = [least for listing in some if (least := listing.cheapest(one))]
        if known:
            hourly, where = min(known)
            said.append(f"{words.hourly(hourly)} {one} in {escape(where)}")
    return ", ".join(said) or "no price listed"


# ---- types ----------------------------------------------------------------------------------


def _types(found: tuple[Listing, ...], market: Market | None) -> Iterator[str]:
    shown = found[:MOST_TYPES]
    for name, some in families(shown):
        yield f"*{escape(name)}*: {escape(kind_of(some[0].type))}"
        for one in some:
            if len(found) <= MOST_IN_DETAIL:
                yield f"• {code(one.type.name)}: {facts(one.type)}\n{_sales(one, market)}"
            else:
                yield f"• {_brief(one, market)}"
    if len(found) > len(shown):
        narrower = code(f"/gpu types {family(found[len(shown)].type.name)}")
        yield f"… and {len(found) - len(shown)} more: narrow it, such as {narrower}"


def _brief(one: Listing, market: Market | None) -> str:
    kind = one.type
    arm = ", ARM" if kind.architecture == "arm64" else ""
    size = f"{kind.vcpus} vCPU, {round(kind.memory_mib / 1024)} GiB{arm}"
    return f"{code(kind.name)} {accelerators(kind)}; {size}: {_from((one,), market)}"


def facts(kind: TypeFacts) -> str:
    """1 x NVIDIA A10G, 22 GiB; 4 vCPU, 16 GiB, 250 GB NVMe, Up to 10 Gigabit."""
    parts = [f"{kind.vcpus} vCPU", f"{round(kind.memory_mib / 1024)} GiB"]
    parts += ["ARM"] if kind.architecture == "arm64" else []
    parts += [f"{kind.nvme_gb} GB NVMe"] if kind.nvme_gb else []
    parts += [escape(kind.network)] if kind.network else []
    return f"{accelerators(kind)}; {', '.join(parts)}"


def accelerators(kind: TypeFacts) -> str:
    """1 x NVIDIA A10G, 22 GiB; where there are several, with the memory of them all."""
    if kind.gpu is None:
        return "no accelerator"
    gpu = kind.gpu
    together = f", {round(total_memory(kind) / 1024)} GiB in all" if gpu.count > 1 else ""
    return f"{words.gpu(gpu)}{together}"


def _sales(one: Listing, market: Market | None) -> str:
    """Where it is sold, a region a line, the cheapest first."""
    ordered = sorted(one.sales, key=lambda s: (_least(s, market), s.region))
    lines = [f"      {_sale(sale, market)}" for sale in ordered[:MOST_SALES]]
    more = len(ordered) - MOST_SALES
    return "\n".join([*lines, f"      … and {more} more regions"] if more > 0 else lines)


def _least(sale: Sale, market: Market | None) -> Decimal:
    spot = [price for _, price in sale.spot] if market is not Market.ON_DEMAND else []
    listed = [sale.on_demand] if sale.on_demand is not None and market is not Market.SPOT else []
    return min([*spot, *listed], default=Decimal("Infinity"))


def _sale(sale: Sale, market: Market | None) -> str:
    """us-east-1 (a, b, d): $1.006/h, spot from $0.3812/h in us-east-1b."""
    said = []
    if market is not Market.SPOT:
        each = sale.on_demand
        said.append("no list price" if each is None else f"on-demand {words.hourly(each)}")
    if market is not Market.ON_DEMAND:
        said.append(
            f"spot from {words.hourly(sale.spot[0][1])} in {escape(sale.spot[0][0].name)}"
            if sale.spot
            else "no spot price"
        )
    return f"{escape(sale.region)} ({letters(sale)}): {', '.join(said)}"


def letters(sale: Sale) -> str:
    """`a, b, d`: the zones without their region."""
    return ", ".join(escape(zone.name.removeprefix(sale.region)) for zone in sale.zones)


# ---- what is not sold -----------------------------------------------------------------------


def not_sold(
    wanted: str,
    regions: tuple[str, ...],
    market: Market | None,
    elsewhere: tuple[Listing, ...],
    near: tuple[Listing, ...],
) -> Message:
    """Nothing fits here: the other regions that sell it, else the nearest living types."""
    blocks = [section(f"{_nothing(wanted)}{_sold_as(market)} in {places(regions)}.")]
    if elsewhere:
        lines = "\n".join(f"• {_offered(one, market)}" for one in elsewhere[:MOST_SALES])
        blocks.append(section(f"Other regions do:\n{lines}"))
    elif near:
        lines = "\n".join(f"• {_offered(one, market)}" for one in near)
        blocks.append(section(f"The nearest that are sold there:\n{lines}"))
    look = "Everything: `/gpu types`; or say a family (g5), a GPU (a100), memory (24GB) or a maker"
    return message(*blocks, context(look))


def _nothing(wanted: str) -> str:
    if not wanted:
        return "EC2 sells no accelerators"
    if retired(wanted):
        return f"AWS has retired {code(wanted)}: EC2 does not sell it any more"
    if looks_like_type(wanted):
        return f"EC2 does not sell {code(wanted)}"
    return f"EC2 sells nothing that fits {code(wanted)}"


def _offered(one: Listing, market: Market | None) -> str:
    return f"{code(one.type.name)} ({accelerators(one.type)}): {_from((one,), market)}"


# ---- common to all --------------------------------------------------------------------------


def places(regions: tuple[str, ...]) -> str:
    """us-east-1, us-west-2 and eu-west-1."""
    names = [escape(region) for region in regions]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def paragraphs(lines: Iterable[str]) -> tuple[Block, ...]:
    """As few sections as hold the lines, none of them cut."""
    found: list[str] = []
    for line in lines:
        if found and len(found[-1]) + len(line) < LONGEST_PARAGRAPH:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return tuple(section(one) for one in found)


def age(view: View) -> tuple[str, ...]:
    """How old the types and list prices are; spot prices are of now."""
    return (f"Types and list prices as AWS told them {_ago(view)}; spot prices of now",)


def _ago(view: View) -> str:
    return "just now" if view.age.total_seconds() < 60 else f"{words.length(view.age)} ago"


def missing(view: View) -> tuple[Block, ...]:
    """What EC2 does not tell now."""
    said = []
    if view.silent:
        said.append(f"EC2 does not answer for {places(view.silent)} now, so they are left out")
    if view.no_spot:
        said.append(f"EC2 does not tell spot prices of {places(view.no_spot)} now")
    return (context(*said),) if said else ()
