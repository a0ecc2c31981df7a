"""Money: by the second, a minute at least, exact until it is written."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import price

D = Decimal


@pytest.mark.parametrize(
    ("hourly", "length", "usd"),
    [
        ("3.06", timedelta(hours=1), "3.06"),
        ("3.06", timedelta(minutes=30), "1.53"),
        ("3.60", timedelta(seconds=10), "0.06"),
        ("3.60", timedelta(seconds=60), "0.06"),
        ("3.60", timedelta(seconds=61), "0.061"),
        ("3.60", timedelta(seconds=60, milliseconds=1), "0.061"),
        ("3.60", timedelta(0), "0"),
        ("3.60", timedelta(seconds=-5), "0"),
        ("0", timedelta(days=9), "0"),
    ],
)
def test_cost_goes_by_the_second_and_a_minute_at_least(
    hourly: str, length: timedelta, usd: str
) -> None:
    assert price.cost(D(hourly), length) == D(usd)


def test_a_stopped_machine_pays_for_its_disk_alone() -> None:
    assert price.disk_monthly(100) == D("8.00")
    assert price.dollars(price.disk_daily(100)) == "$0.26"
    assert price.stopped_daily(100) == price.disk_daily(100)
    assert D("0.005") == price.PUBLIC_IPV4_HOURLY


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        ("3.06", "$3.06"),
        ("3", "$3.00"),
        ("0", "$0.00"),
        ("0.005", "<$0.01"),
        ("0.0099", "<$0.01"),
        ("0.01", "$0.01"),
        ("0.015", "$0.02"),
        ("1.845", "$1.85"),
        ("1234.5", "$1,234.50"),
        ("-0.30", "-$0.30"),
        ("-0.001", "$0.00"),
        ("1E+3", "$1,000.00"),
    ],
)
def test_amounts_are_written_with_cents(usd: str, said: str) -> None:
    assert price.dollars(D(usd)) == said


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        ("3.06", "$3.06/h"),
        ("0.918000", "$0.918/h"),
        ("0.5", "$0.50/h"),
        ("12", "$12.00/h"),
        ("0.01254", "$0.0125/h"),
        ("0.01255", "$0.0126/h"),
        ("0.00001", "<$0.0001/h"),
        ("0", "$0.00/h"),
        ("1142.416", "$1,142.416/h"),
        ("2E+1", "$20.00/h"),
    ],
)
def test_hourly_prices_have_two_to_four_decimals(usd: str, said: str) -> None:
    assert price.per_hour(D(usd)) == said


usds = st.decimals(min_value=0, max_value=10_000, places=6)


@given(usds, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_longer_never_costs_less(hourly: Decimal, length: timedelta) -> None:
    assert price.cost(hourly, length) <= price.cost(hourly, length + timedelta(seconds=1))


@given(usds)
def test_written_money_is_never_a_cent_off(usd: Decimal) -> None:
    said = price.dollars(usd)
    if said.startswith("<"):
        assert usd < D("0.01")
    else:
        assert abs(D(said.replace("$", "").replace(",", "")) - usd) <= D("0.005")
