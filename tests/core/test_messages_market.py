"""Whatever EC2 says, lists and prices keep Slack's limits, and its words stay words."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import messages
from core.blocks import Message
from core.market import Listing, Sale, View, best, places, week
from core.messages.prices import sparkline
from core.model import Chip, Gpu, Market, TypeFacts, Zone
from sandbox.slack.blocks import message_faults

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
nasty = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(["<!channel>", "<@U0EVIL>", "a&b<c>d", "`*_~", "x" * 400]),
)
money = st.decimals(Decimal("0.0001"), Decimal("999"), places=4)
zones = st.builds(Zone, name=nasty, id=nasty)
sales = st.builds(
    Sale,
    region=nasty,
    zones=st.lists(zones, min_size=1, max_size=6).map(tuple),
    on_demand=st.none() | money,
    spot=st.lists(st.tuples(zones, money), max_size=6).map(tuple),
)
kinds = st.builds(
    TypeFacts,
    name=nasty,
    vcpus=st.integers(1, 192),
    memory_mib=st.integers(1, 999_999),
    architecture=st.sampled_from(["x86_64", "arm64"]),
    gpu=st.builds(
        Gpu,
        name=nasty,
        maker=nasty,
        count=st.sampled_from([Decimal("0.125"), Decimal(1), Decimal(8)]),
        memory_mib=st.integers(1, 999_999),
        chip=st.sampled_from(list(Chip)),
    ),
    markets=st.just(frozenset(Market)),
    network=nasty,
)
listed = st.builds(Listing, type=kinds, sales=st.lists(sales, min_size=1, max_size=5).map(tuple))
some = st.lists(listed, min_size=1, max_size=5).map(tuple)
views = st.builds(
    View,
    regions=st.lists(nasty, min_size=1, max_size=4).map(tuple),
    age=st.integers(0, 10**6).map(lambda s: timedelta(seconds=s)),
    silent=st.lists(nasty, max_size=2).map(tuple),
    no_spot=st.lists(nasty, max_size=2).map(tuple),
)
many = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def check(message: Message) -> None:
    assert message_faults(json.loads(json.dumps(message.blocks))) == []
    assert message.text.strip()
    assert len(message.text) <= 3000
    assert "<" not in message.text


@many
@given(some, st.integers(1, 30), views, st.none() | nasty, st.none() | st.sampled_from(Market))
def test_every_list_of_types_keeps_the_limits(
    found: tuple[Listing, ...], times: int, view: View, word: str | None, market: Market | None
) -> None:
    check(messages.types(found * times, view, word, market))
    check(messages.not_sold(word or "", view.regions, market, found, ()))
    check(messages.not_sold(word or "", view.regions, market, (), found))


@many
@given(nasty, some, views)
def test_every_answer_about_prices_keeps_the_limits(
    word: str, found: tuple[Listing, ...], view: View
) -> None:
    at = places(found, (), NOW)
    weeks = [
        week(f"{n} {zone.name}", ((NOW - timedelta(days=8), hourly),), NOW)
        for n, sale in enumerate(found[0].sales)
        for zone, hourly in sale.spot[:1]
    ]
    known = tuple(one for one in weeks if one is not None)
    check(messages.prices(word, best(found, at), found, at, known, view, NOW))


@pytest.mark.parametrize(
    ("trend", "shown"),
    [
        (("1", "2", "3"), "▁▄█"),
        (("2", "2"), "▄▄"),
        ((None, "1", "2"), "·▁█"),
        ((), ""),
    ],
)
def test_a_sparkline_goes_from_the_lowest_to_the_highest(
    trend: tuple[str | None, ...], shown: str
) -> None:
    assert sparkline(tuple(None if p is None else Decimal(p) for p in trend)) == shown
