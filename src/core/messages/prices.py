"""Where a type is cheapest now, and what spot has cost for seven days: in words and as a chart."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from core.blocks import Block, Message, code, context, escape, line_chart, message, section
from core.market import POINTS, Listing, Place, View, Week, moments
from core.messages import words
from core.messages.market import accelerators, age, missing, paragraphs
from core.model import Market

MOST_PLACES = 15
MOST_OTHERS = 8
MOST_WEEKS = 12
MOST_SERIES = 6

_BARS = "▁▂▃▄▅▆▇█"


def prices(
    wanted: str,
    first: Listing,
    found: tuple[Listing, ...],
    places: tuple[Place, ...],
    weeks: tuple[Week, ...],
    view: View,
    now: datetime,
) -> Message:
    """`first` is the type that is cheapest; `found` are all that fit; the cheapest place first."""
    here = tuple(place for place in places if place.instance_type == first.type.name)
    return message(
        section(_headline(first, here)),
        *paragraphs(_table(first, here)),
        *paragraphs(_weeks(weeks)),
        *_chart(first, weeks, now),
        *paragraphs(_others(wanted, first, found)),
        context("Launching takes the cheapest zone with room by itself", *age(view)),
        *missing(view),
    )


# ---- now ------------------------------------------------------------------------------------


def _headline(first: Listing, places: tuple[Place, ...]) -> str:
    name = first.type.name
    free = next((p for p in places if len(p.full) < len(p.zones)), None)
    cheapest = free or next(iter(places), None)
    what = f"{code(name)} ({accelerators(first.type)})"
    if cheapest is None:
        where = ", ".join(escape(sale.region) for sale in first.sales)
        return f"{what} is sold in {where}, but AWS lists no price for it now."
    less = f", {cheapest.saving} % below on-demand there" if cheapest.saving else ""
    launch = code(f"/gpu launch {name} {cheapest.market} in {cheapest.region}")
    return (
        f"*Cheapest now: {words.hourly(cheapest.hourly)}* for {what}, {cheapest.market} in "
        f"{_where(cheapest)}{less}.\nLaunch it: {launch}"
    )


def _table(first: Listing, places: tuple[Place, ...]) -> Iterator[str]:
    yield f"*{escape(first.type.name)}, the cheapest place first*"
    for place in places[:MOST_PLACES]:
        less = f", −{place.saving} %" if place.saving else ""
        yield (
            f"• {words.hourly(place.hourly)} {place.market} in {_where(place)}{less}{_full(place)}"
        )
    if len(places) > MOST_PLACES:
        yield f"… and {len(places) - MOST_PLACES} more, dearer: add `in` and a region"
    for sale in first.sales:
        for market in Market:
            known = sale.spot if market is Market.SPOT else sale.on_demand is not None
            if not known and market in first.type.markets:
                yield f"• {market} in {escape(sale.region)}: no price listed"


def _where(place: Place) -> str:
    """A zone with its id, which is the same in every account; a region with its zones' letters."""
    if place.market is Market.SPOT:
        zone = place.zones[0]
        return f"{escape(zone.name)} ({escape(zone.id)})"
    zones = ", ".join(escape(zone.name.removeprefix(place.region)) for zone in place.zones)
    return f"{escape(place.region)} ({zones})"


def _full(place: Place) -> str:
    if not place.full:
        return ""
    if place.market is Market.SPOT:
        return " · _no capacity a moment ago_"
    return f" · _no capacity a moment ago in {', '.join(map(escape, place.full))}_"


def _others(wanted: str, first: Listing, found: tuple[Listing, ...]) -> Iterator[str]:
    """What else fits, each at its cheapest; the cheapest first."""
    others = sorted(
        (one for one in found if one is not first),
        key=lambda one: (one.least(None), one.type.name),
    )
    if others:
        yield "*What else fits*"
    for one in others[:MOST_OTHERS]:
        yield f"• {code(one.type.name)} ({accelerators(one.type)}): {_cheapest(one)}"
    if len(others) > MOST_OTHERS:
        rest = code(f"/gpu types {wanted}")
        yield f"… and {len(others) - MOST_OTHERS} more, dearer: {rest}"


def _cheapest(one: Listing) -> str:
    known = [(market, one.cheapest(market)) for market in (Market.SPOT, Market.ON_DEMAND)]
    said = [f"{words.hourly(at[0])} {market} in {escape(at[1])}" for market, at in known if at]
    return ", ".join(said) or "no price listed"


# ---- seven days -----------------------------------------------------------------------------


def _weeks(weeks: tuple[Week, ...]) -> Iterator[str]:
    if weeks:
        yield "*Spot in the last 7 days*: lowest, median, highest"
    for week in weeks[:MOST_WEEKS]:
        low, middle, high = (words.hourly(p) for p in (week.low, week.median, week.high))
        yield f"• {escape(week.zone)} `{sparkline(week.trend)}` {low}, {middle}, {high}"
    if len(weeks) > MOST_WEEKS:
        yield f"… and {len(weeks) - MOST_WEEKS} more zones"


def sparkline(trend: tuple[Decimal | None, ...]) -> str:
    """`▁▃▅█`: a bar for each price, from the lowest to the highest; a dot where none is known."""
    known = [price for price in trend if price is not None]
    low, span = min(known, default=Decimal(0)), max(known, default=Decimal(0))
    span -= low
    top = len(_BARS) - 1
    return "".join(
        "·" if price is None else _BARS[int((price - low) / span * top) if span else top // 2]
        for price in trend
    )


def _chart(first: Listing, weeks: tuple[Week, ...], now: datetime) -> tuple[Block, ...]:
    """Of the zones that are cheapest now. One that had no price all the week is left out: the chart
    wants a value everywhere, and nobody's is made up."""
    whole = [week for week in weeks if None not in week.trend][:MOST_SERIES]
    if not whole:
        return ()
    series = [(week.zone, [p for p in week.trend if p is not None]) for week in whole]
    labels = [f"{at:%d %b %H:%M}".lstrip("0") for at in moments(now, POINTS)]
    title = f"{first.type.name} spot, last 7 days"
    return (line_chart(title, labels, series, x_label="UTC", y_label="USD per hour"),)
